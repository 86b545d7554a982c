"""Every mail says the same in plain text and in HTML, takes nothing from elsewhere, and shows names as they are."""

import re
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core import mail
from django.utils import timezone, translation

from accounts.mails import write
from organizations.mails import send_closed, send_invitation
from organizations.models import Invitation, Organization
from organizations.services import invite_all

TEMPLATES = settings.BASE_DIR / "templates"
MAILS = sorted(
    str(path.relative_to(TEMPLATES)).removesuffix("_message.txt")
    for path in TEMPLATES.rglob("*_message.txt")
    if path.name != "base_message.txt"
)
NAME = """<script>alert("Bits & Qubits")</script> O'Hara"""
LINK = "http://localhost/invitations/" + "x" * 200 + "?a=1&b=2"
MAY = datetime(2026, 5, 3, 14, 5, tzinfo=UTC)
ORGANIZATION = SimpleNamespace(name=NAME, deleted_at=MAY)
CONTEXT = {
    "organization": ORGANIZATION,
    "invitation": SimpleNamespace(invited_by=NAME, organization=ORGANIZATION, expires_at=MAY),
    "link": LINK,
    "activate_url": LINK,
    "password_reset_url": LINK,
    "email": "ada@example.com",
    "from_email": "ada@example.com",
    "to_email": "countess@example.com",
    "deleted_email": "countess@example.com",
    "provider": NAME,
    "ip": "203.0.113.7",
    "timestamp": MAY,
    "user_agent": NAME,
}


def written(prefix, language="en"):
    """A mail's text and its HTML."""
    with translation.override(language):
        message = write(prefix, "dora@example.com", CONTEXT)
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return message.body, html


def words(html):
    """What people read of a page: one line."""
    body = re.sub(r"(?s).*<body>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("prefix", MAILS)
class TestEveryMail:
    def test_html_says_all_that_the_text_says(self, prefix, language):
        text, html = written(prefix, language)

        paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")[:-1]]
        assert len(paragraphs) >= 2
        assert [paragraph for paragraph in paragraphs if paragraph not in words(html)] == []

    def test_it_speaks_the_language_of_its_reader(self, prefix, language):
        text, html = written(prefix, language)

        assert text.startswith({"en": "Hello,\n\n", "de": "Guten Tag,\n\n"}[language])
        assert f'<html lang="{language}">' in html

    def test_names_are_shown_as_they_are_and_do_nothing(self, prefix, language):
        text, html = written(prefix, language)

        assert "<script" not in html
        assert words(html).count(NAME) >= " ".join(text.split()).count(NAME)
        assert not re.search(r"&(lt|amp|quot|#x27);", text + words(html))

    def test_nothing_in_it_is_fetched_from_anywhere(self, prefix, language):
        _, html = written(prefix, language)

        assert not re.search(r"<(img|link|script|iframe)|src=|url\(|@import", html)
        assert set(re.findall(r'href="([^"]+)"', html)) <= {LINK.replace("&", "&amp;"), settings.PORTAL_URL}


@pytest.mark.parametrize(
    "prefix",
    [
        "emails/invitation",
        "emails/closed",
        "account/email/email_confirmation",
        "account/email/password_reset_key",
        "account/email/account_already_exists",
    ],
)
class TestLinks:
    def test_a_button_leads_there_and_the_address_stands_below(self, prefix):
        _, html = written(prefix)

        address = LINK.replace("&", "&amp;")
        assert re.search(
            rf'<a class="button" href="{re.escape(address)}">[^<]+</a><br><span[^>]*>{re.escape(address)}<', html
        )

    def test_the_text_has_it_on_a_line_of_its_own_unbroken(self, prefix):
        text, _ = written(prefix)

        assert LINK in text.splitlines()


@pytest.mark.parametrize(("language", "when"), [("en", "3 May 2026, 14:05 UTC"), ("de", "03.05.2026, 14:05 UTC")])
def test_dates_are_written_as_on_the_pages(language, when):
    text, _ = written("emails/closed", language)

    assert when in " ".join(text.split())


class TestSubjects:
    @pytest.mark.parametrize("prefix", ["emails/invitation", "emails/closed"])
    def test_a_name_adds_no_header(self, prefix):
        organization = SimpleNamespace(name="Acme\r\nBcc: everybody@example.com\n\nBuy now", deleted_at=MAY)
        invitation = SimpleNamespace(invited_by="Ada", organization=organization, expires_at=MAY)

        message = write(prefix, "dora@example.com", {"organization": organization, "invitation": invitation})

        assert "Acme Bcc: everybody@example.com Buy now" in message.subject
        assert message.message()["Bcc"] is None
        assert message.recipients() == ["dora@example.com"]

    def test_names_stand_there_as_they_are(self):
        message = write("emails/invitation", "dora@example.com", CONTEXT)

        assert message.subject == f"Join {NAME} on Luna Portal"


class TestSending:
    def test_allauth_sends_both_parts(self, client, ada):
        client.post("/accounts/password/reset/", {"email": "ada@example.com"})

        (message,) = mail.outbox
        assert [part.get_content_type() for part in message.message().get_payload()] == ["text/plain", "text/html"]
        assert "Set a new password</a>" in message.alternatives[0].content

    def test_so_do_organizations(self, alice):
        Organization.objects.update(name=NAME)
        alice.organization.refresh_from_db()
        invite_all(emails=["dora@example.com"], role="member", by=alice, now=timezone.now())
        mail.outbox.clear()

        send_invitation(Invitation.objects.get().pk)
        Organization.objects.update(closed_at=timezone.now())
        send_closed(alice.organization_id)

        assert [NAME in words(message.alternatives[0].content) for message in mail.outbox] == [True, True]

    def test_who_takes_back_a_new_address_is_told(self, client, ada, sign_in, confirm_identity):
        sign_in("ada@example.com")
        confirm_identity()
        client.post("/accounts/email/", {"email": "countess@example.com", "action_add": ""})
        mail.outbox.clear()

        client.post("/accounts/email/", {"email": "countess@example.com", "action_remove": ""})

        (message,) = mail.outbox
        assert message.subject == "An address was removed"
        assert "the address countess@example.com was removed" in message.body
