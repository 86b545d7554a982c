"""Mails come in the language that somebody has chosen on the pages; else in that of the page they come from."""

import pytest
from allauth.account.adapter import get_adapter
from django.core import mail
from django.utils import timezone, translation

from accounts.models import User
from organizations import services
from organizations.mails import send_closed, send_invitation
from organizations.models import Organization

GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de"}


class TestChoosing:
    def test_who_is_signed_in_gets_mails_in_the_language_of_the_pages(self, client, ada):
        client.force_login(ada)
        client.post("/accounts/language/", {"language": "de"})

        ada.refresh_from_db()
        assert ada.language == "de"

    def test_what_is_no_language_changes_nothing(self, client, ada):
        client.force_login(ada)
        client.post("/accounts/language/", {"language": "tlh"})

        ada.refresh_from_db()
        assert ada.language == ""

    def test_strangers_choose_for_the_pages_only(self, client, ada):
        assert client.post("/accounts/language/", {"language": "de"}).cookies["django_language"].value == "de"
        assert not User.objects.exclude(language="").exists()

    def test_who_signs_up_gets_them_in_what_they_read(self, client, db):
        form = {"email": "max@example.com", "password1": "correct horse battery", "password2": "correct horse battery"}
        client.post("/accounts/signup/", form, **GERMAN)

        assert User.objects.get().language == "de"
        (message,) = mail.outbox
        assert message.subject == "Bestätigen Sie Ihre E-Mail-Adresse"
        assert "Öffnen Sie diesen Link, um zu bestätigen" in " ".join(message.body.split())


class TestAccountMails:
    def test_the_owners_language_comes_before_that_of_who_asks(self, client, ada):
        User.objects.update(language="de")

        client.post("/accounts/password/reset/", {"email": "ada@example.com"}, HTTP_ACCEPT_LANGUAGE="en")

        (message,) = mail.outbox
        assert message.subject == "Neues Passwort setzen"
        assert message.body.startswith("Guten Tag,\n\n")
        assert "jemand, vermutlich Sie, möchte ein neues Passwort" in message.body

    def test_else_it_is_that_of_who_asks(self, client, ada):
        client.post("/accounts/password/reset/", {"email": "ada@example.com"}, **GERMAN)

        assert mail.outbox[0].subject == "Neues Passwort setzen"

    def test_strangers_get_it_too(self, client, db):
        client.post("/accounts/password/reset/", {"email": "nobody@example.com"}, **GERMAN)

        assert mail.outbox[0].subject == "Kein Konto mit dieser Adresse"

    def test_the_page_stays_in_its_own_language(self, client, ada):
        User.objects.update(language="de")

        answer = client.post("/accounts/password/reset/", {"email": "ada@example.com"}, follow=True)

        assert 'lang="en"' in answer.text

    def test_notices_about_security_come_in_german(self, client, ada, sign_in, confirm_identity):
        User.objects.update(language="de")
        sign_in("ada@example.com")
        confirm_identity()
        new = "a much better password"
        client.post(
            "/accounts/password/change/",
            {"oldpassword": "correct horse battery staple", "password1": new, "password2": new},
        )

        (message,) = mail.outbox
        assert message.subject == "Ihr Passwort wurde geändert"
        assert "Wenn Sie das waren, ist nichts zu tun." in message.body

    @pytest.mark.parametrize(
        "name",
        [
            "account/email/account_already_exists",
            "account/email/email_changed",
            "account/email/email_deleted",
            "account/email/password_reset",
            "account/email/password_set",
            "mfa/email/recovery_codes_generated",
            "mfa/email/totp_activated",
            "mfa/email/totp_deactivated",
            "mfa/email/webauthn_added",
            "mfa/email/webauthn_removed",
            "socialaccount/email/account_connected",
            "socialaccount/email/account_disconnected",
        ],
    )
    def test_every_other_one_is_german_throughout(self, rf, name):
        context = {"timestamp": timezone.now()}
        with translation.override("de"):
            message = get_adapter().render_mail(name, "ada@example.com", context)

        english = {" the ", " you", "Your ", " was ", "Hello"}
        assert not [word for word in english if word in f" {message.subject} {message.body}"]
        assert message.body.startswith("Guten Tag,")


class TestMailsOfOrganizations:
    def invite(self, alice):
        (invitation,) = services.invite_all(emails=["dora@example.com"], role="member", by=alice, now=timezone.now())
        return invitation

    def test_an_invitation_speaks_like_who_sends_it(self, alice):
        with translation.override("de"):
            invitation = self.invite(alice)
        mail.outbox.clear()
        send_invitation(invitation.pk)

        (message,) = mail.outbox
        assert message.subject == "Treten Sie Acme auf Luna Portal bei"
        assert "alice@example.com lädt Sie ein" in message.body
        assert f"\nhttp://localhost/invitations/{invitation.token}\n" in message.body

    def test_unless_it_is_known_what_its_reader_speaks(self, alice):
        User.objects.create_user("dora@example.com", language="de")
        invitation = self.invite(alice)
        mail.outbox.clear()
        send_invitation(invitation.pk)

        assert mail.outbox[0].subject == "Treten Sie Acme auf Luna Portal bei"

    def test_each_admin_reads_in_their_own_language_that_the_organization_is_closed(self, alice, acme):
        User.objects.filter(pk=alice.user_id).update(language="de")
        Organization.objects.update(closed_at=timezone.now())
        send_closed(acme.pk)

        (message,) = mail.outbox
        assert message.subject == "Acme ist geschlossen und wird gelöscht"
        assert "http://localhost/o/acme/closed" in message.body
