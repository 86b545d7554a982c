"""Admins invite many at once: they paste, look at what will happen, and send."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from organizations import services
from organizations.invitees import read
from organizations.models import Invitation
from organizations.permissions import Role
from organizations.throttles import InvitationThrottle

INVITE = "/o/acme/members/invite"
SEND = "/o/acme/members/invite/send"
INVITATIONS = "/o/acme/members/invitations"


def text_of(answer):
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def invited():
    return sorted(Invitation.objects.values_list("email", "role"))


class TestReading:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("dora@example.com", [(1, "dora@example.com")]),
            (" Dora@Example.com \n\nemil@example.com\n", [(1, "dora@example.com"), (3, "emil@example.com")]),
            ("dora@example.com, emil@example.com", [(1, "dora@example.com"), (1, "emil@example.com")]),
            ("dora@example.com;emil@example.com", [(1, "dora@example.com"), (1, "emil@example.com")]),
            ("Dora Doe <dora@example.com>", [(1, "dora@example.com")]),
            ("Email,Name\ndora@example.com,Dora", [(2, "dora@example.com")]),
            ("Name;E-Mail\r\nDoe;dora@example.com\r\n", [(2, "dora@example.com")]),
            ("Dora\tDoe\tdora@example.com", [(1, "dora@example.com")]),
            ('"Doe, Dora",dora@example.com', [(1, "dora@example.com")]),
        ],
    )
    def test_it_finds_addresses_as_people_paste_them(self, acme, text, expected):
        assert [(one.line, one.email) for one in read(text, acme)] == expected

    def test_it_says_what_will_happen_to_each(self, acme, alice, bob):
        services.invite_all(emails=["emil@example.com"], role=Role.MEMBER, by=alice, now=timezone.now())

        found = read(
            "dora@example.com\nbob@example.com\nemil@example.com\nDORA@example.com\nx@localhost\nnobody\na@b@c.de", acme
        )

        assert [one.outlook for one in found] == ["new", "member", "again", "repeated", "wrong", "wrong", "wrong"]
        assert "full domain" in found[4].problem
        assert found[5].problem == "There is no email address in this line."

    def test_it_asks_the_database_no_more_often_for_many(self, acme, django_assert_num_queries):
        with django_assert_num_queries(2):
            assert len(read("\n".join(f"m{number}@example.com" for number in range(300)), acme)) == 300


class TestPreview:
    def test_nothing_is_sent_before_it_was_seen(self, browser, alice):
        page = text_of(browser(alice).post(INVITE, {"people": "dora@example.com\nnobody", "role": "member"}))

        assert "1 person will be invited" in page
        assert "There is no email address in this line." in page
        assert "Send 1 invitation" in page
        assert invited() == []

    def test_what_was_typed_stays(self, browser, alice):
        answer = browser(alice).post(INVITE, {"people": "dora@example.com\nnobody", "role": "admin"})

        assert answer.context["form"]["people"].value() == "dora@example.com\nnobody"
        assert answer.context["form"]["role"].value() == "admin"

    def test_a_file_is_added_to_what_was_typed(self, browser, alice):
        file = SimpleUploadedFile("people.csv", "\ufeffemail;name\nemil@example.com;Emil\n".encode())

        answer = browser(alice).post(INVITE, {"people": "dora@example.com", "file": file, "role": "member"})

        assert "2 people will be invited" in text_of(answer).replace("email;name", "")
        assert "emil@example.com;Emil" in answer.context["form"]["people"].value()

    @pytest.mark.parametrize(
        ("content", "words"),
        [(b"d\xf6ra@example.com", "no text in UTF-8"), (b"x" * 200_001, "too large for a list")],
    )
    def test_a_file_that_cannot_be_read_is_refused_and_the_rest_stays(self, browser, alice, content, words):
        file = SimpleUploadedFile("people.csv", content)

        answer = browser(alice).post(INVITE, {"people": "dora@example.com", "file": file, "role": "member"})

        assert words in text_of(answer)
        assert "dora@example.com</textarea>" in answer.content.decode()

    @pytest.mark.parametrize(
        ("people", "words"),
        [
            ("", "at least one email address"),
            (" \n ", "at least one email address"),
            ("a@example.com\n" * 501, "more than 500 addresses"),
        ],
    )
    def test_too_few_and_too_many_are_refused(self, browser, alice, people, words):
        assert words in text_of(browser(alice).post(INVITE, {"people": people, "role": "member"}))


class TestSend:
    def test_it_invites_everybody(self, browser, alice):
        people = "dora@example.com\nemil@example.com"

        answer = browser(alice).post(SEND, {"people": people, "role": "admin"}, follow=True)

        assert answer.redirect_chain == [(INVITATIONS, 302)]
        assert "2 invitations are on their way." in text_of(answer)
        assert invited() == [("dora@example.com", "admin"), ("emil@example.com", "admin")]

    def test_lines_with_mistakes_come_back_and_nothing_else(self, browser, alice, bob):
        people = "dora@example.com\nbob@example.com\nemil@localhost\nnobody"

        answer = browser(alice).post(SEND, {"people": people, "role": "member"})

        assert "1 invitation is on its way." in text_of(answer)
        assert answer.context["form"]["people"].value() == "emil@localhost\nnobody"
        assert invited() == [("dora@example.com", "member")]

    def test_a_list_of_mistakes_sends_nothing(self, browser, alice):
        assert "0 people will be invited" in text_of(browser(alice).post(SEND, {"people": "nobody", "role": "member"}))

    def test_nonsense_comes_back(self, browser, alice):
        assert "at least one" in text_of(browser(alice).post(SEND, {"people": "", "role": "owner"}))
        assert invited() == []


class TestPending:
    @pytest.fixture
    def invitation(self, alice):
        return services.invite_all(emails=["dora@example.com"], role=Role.ADMIN, by=alice, now=timezone.now())[0]

    def test_it_lists_them_and_marks_those_that_end(self, browser, alice, invitation):
        client = browser(alice)
        page = text_of(client.get(INVITATIONS))
        assert "dora@example.com" in page
        assert "ends soon" not in page

        invitation.expires_at = timezone.now() + timedelta(hours=3)
        invitation.save()
        assert "ends soon" in text_of(client.get(INVITATIONS))

        invitation.expires_at = timezone.now()
        invitation.save()
        assert "expired" in text_of(client.get(INVITATIONS))

    def test_the_link_itself_is_not_shown(self, browser, alice, invitation):
        assert invitation.token not in browser(alice).get(INVITATIONS).content.decode()

    def test_it_is_sent_again_for_the_same_role(self, browser, alice, invitation):
        former = invitation.expires_at

        answer = browser(alice).post(f"{INVITATIONS}/{invitation.pk}/resend", follow=True)

        assert "The mail to dora@example.com is on its way again." in text_of(answer)
        invitation.refresh_from_db()
        assert invitation.expires_at > former
        assert invitation.role == Role.ADMIN

    def test_mails_that_are_sent_again_count_as_others_do(self, browser, alice, invitation, monkeypatch):
        monkeypatch.setattr(InvitationThrottle, "THROTTLE_RATES", {"invitations": "1/hour"})
        client, url = browser(alice), f"{INVITATIONS}/{invitation.pk}/resend"

        first, second = client.post(url, follow=True), client.post(url, follow=True)

        assert "on its way again" in text_of(first)
        assert "too many invitations for one hour" in text_of(second)
        assert "on its way again" not in text_of(second)

    def test_it_is_revoked(self, browser, alice, invitation):
        answer = browser(alice).post(f"{INVITATIONS}/{invitation.pk}/revoke", follow=True)

        assert "The link sent to dora@example.com no longer works." in text_of(answer)
        invitation.refresh_from_db()
        assert invitation.revoked_at

    def test_those_of_others_are_out_of_reach(self, browser, charlie, invitation):
        for act in ("resend", "revoke"):
            url = f"/o/globex/members/invitations/{invitation.pk}/{act}"
            assert browser(charlie).post(url).status_code == 404
        invitation.refresh_from_db()
        assert invitation.revoked_at is None
