"""Admins see everybody, change roles in place, and take people out."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone

from audit.models import Event
from organizations.models import ApiKey, Membership
from organizations.permissions import Role

from .conftest import add_member, audited

MEMBERS = "/o/acme/members"


def shown(answer):
    assert answer.status_code == 200
    return [member.user.email for member in answer.context["page"].rows]


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


class TestList:
    def test_it_shows_everybody_here_and_nobody_else(self, browser, alice, bob, charlie):
        assert shown(browser(alice).get(MEMBERS)) == ["alice@example.com", "bob@example.com"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("order=-email", ["bob@example.com", "alice@example.com"]),
            ("order=id", ["alice@example.com", "bob@example.com"]),
            ("order=password", ["alice@example.com", "bob@example.com"]),
            ("search=BO", ["bob@example.com"]),
            ("search=wonder", ["alice@example.com"]),
            ("search=nobody", []),
            ("role=admin", ["alice@example.com"]),
            ("role=owner", ["alice@example.com", "bob@example.com"]),
            ("factor=yes", ["bob@example.com"]),
            ("factor=no", ["alice@example.com"]),
        ],
    )
    def test_the_address_says_who_is_shown_and_in_which_order(self, browser, alice, bob, query, expected):
        alice.user.last_name = "Wonder"
        alice.user.save()
        Authenticator.objects.create(user=bob.user, type=Authenticator.Type.TOTP, data={})
        Authenticator.objects.create(user=alice.user, type=Authenticator.Type.RECOVERY_CODES, data={})

        assert shown(browser(alice).get(f"{MEMBERS}?{query}")) == expected

    def test_it_says_when_somebody_was_there_last(self, browser, alice, bob):
        bob.user.last_login = timezone.now() - timedelta(days=3)
        bob.user.save()
        ApiKey.objects.filter(membership=bob).update(last_used_at=timezone.now() - timedelta(hours=5))

        page = text_of(browser(alice).get(f"{MEMBERS}?search=bob"))

        assert "3 days ago 5 hours ago" in page

    def test_a_made_up_cursor_leads_nowhere(self, browser, alice):
        assert browser(alice).get(f"{MEMBERS}?cursor=nonsense").status_code == 404

    def test_names_are_escaped(self, browser, alice):
        alice.user.first_name = "<script>alert(1)</script>"
        alice.user.save()

        assert "<script>alert" not in browser(alice).get(MEMBERS).content.decode()


class TestChangeRole:
    def change(self, client, member, role, query=""):
        return client.post(f"{MEMBERS}/{member.pk}/role{query}", {"role": role}, follow=True)

    def test_it_changes_the_role_and_comes_back_to_the_same_list(self, browser, alice, bob):
        answer = self.change(browser(alice), bob, Role.ADMIN, "?search=b&order=-email")

        bob.refresh_from_db()
        assert bob.role == Role.ADMIN
        assert answer.redirect_chain == [(f"{MEMBERS}?search=b&order=-email", 302)]
        assert "bob@example.com is an admin now." in text_of(answer)
        assert len(audited(Event.Action.ROLE_CHANGED)) == 1

    def test_nonsense_is_refused_in_words(self, browser, alice, bob):
        assert "Choose admin or member." in text_of(self.change(browser(alice), bob, "owner"))
        assert not audited(Event.Action.ROLE_CHANGED)

    def test_nobody_changes_their_own(self, browser, alice, bob):
        assert self.change(browser(alice), alice, Role.MEMBER).status_code == 404

    def test_other_organizations_are_out_of_reach(self, browser, alice, charlie):
        assert self.change(browser(alice), charlie, Role.MEMBER).status_code == 404


class TestRemove:
    def test_it_says_first_what_goes(self, browser, alice, bob):
        page = text_of(browser(alice).get(f"{MEMBERS}/{bob.pk}/remove"))

        assert "Remove bob@example.com?" in page
        assert "1 API key stops working at once" in page
        assert "0 time quotas are deleted" in page
        assert Membership.objects.filter(pk=bob.pk).exists()

    def test_then_it_removes(self, browser, alice, bob):
        answer = browser(alice).post(f"{MEMBERS}/{bob.pk}/remove", follow=True)

        assert "bob@example.com is no longer in the organization." in text_of(answer)
        assert not Membership.objects.filter(pk=bob.pk).exists()
        assert len(audited(Event.Action.MEMBER_REMOVED)) == 1

    def test_a_key_that_no_longer_works_is_not_counted(self, browser, alice, bob):
        ApiKey.objects.update(expires_at=timezone.now())

        assert "0 API keys stop" in text_of(browser(alice).get(f"{MEMBERS}/{bob.pk}/remove"))


class TestLeave:
    def test_a_member_leaves_after_reading_what_goes(self, browser, bob):
        client = browser(bob)
        assert "Leave Acme?" in text_of(client.get("/o/acme/leave"))

        answer = client.post("/o/acme/leave", follow=True)

        assert "You have left Acme." in text_of(answer)
        assert not Membership.objects.filter(pk=bob.pk).exists()

    def test_the_last_admin_is_told_what_to_do_instead(self, browser, alice):
        client = browser(alice)
        assert "You are the last admin" in text_of(client.get("/o/acme/leave"))
        assert "You are the last admin" in text_of(client.post("/o/acme/leave"))
        assert Membership.objects.filter(pk=alice.pk).exists()


def test_many_members_come_in_pages_and_take_as_many_queries_as_few(browser, alice, bob, django_assert_num_queries):
    client = browser(alice)
    client.get(MEMBERS)
    with django_assert_num_queries(5):
        client.get(MEMBERS)
    for number in range(60):
        add_member(f"m{number}@example.com")
    with django_assert_num_queries(5):
        answer = client.get(MEMBERS)
    assert len(answer.context["page"].rows) == 50
    second = client.get(answer.context["page"].next)
    assert len(second.context["page"].rows) == 12
    assert shown(client.get(second.context["page"].previous)) == shown(answer)
