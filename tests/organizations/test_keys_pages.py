"""Members manage their API keys; admins see everybody's, and stop any."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from organizations import services
from organizations.models import ApiKey, digest_key
from organizations.permissions import Scope

from .conftest import audited

KEYS = "/o/acme/keys"
ALL_KEYS = "/o/acme/members/keys"


def text_of(answer):
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def names(answer):
    return [key.name for key in answer.context["page"].rows]


class TestMine:
    def test_the_newest_comes_first_and_those_that_ended_stay(self, browser, alice, bob):
        now = timezone.now()
        services.issue_key(name="alices", by=alice, now=now)
        services.issue_key(name="laptop", by=bob, now=now, scopes=[Scope.READ])
        services.revoke_key(key=services.issue_key(name="lost", by=bob, now=now)[0], by=bob, now=now)
        ApiKey.objects.filter(name="first").update(expires_at=now)

        answer = browser(bob).get(KEYS)

        assert names(answer) == ["lost", "laptop", "first"]
        page = text_of(answer)
        assert "Read never never Rename" in page
        assert "revoked" in page
        assert "expired" in page

    def test_it_says_what_a_key_is_for_if_there_is_none(self, browser, bob):
        bob.keys.all().delete()

        assert "No API keys yet." in text_of(browser(bob).get(KEYS))

    def test_a_new_one_is_shown_once(self, browser, bob):
        client = browser(bob)
        form = {"name": "laptop", "scopes": ["read", "run"], "lifetime": "30"}

        page = client.post(f"{KEYS}/new", form).content.decode()

        raw_key = re.search(r"luna_[\w-]{30,}", page)[0]
        key = ApiKey.objects.with_digest(digest_key(raw_key)).get()
        assert (key.membership, key.name, key.scopes) == (bob, "laptop", ["read", "run"])
        assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
        assert raw_key not in client.get(KEYS).content.decode()

    def test_what_was_typed_stays_when_something_is_wrong(self, browser, bob):
        page = browser(bob).post(f"{KEYS}/new", {"name": "laptop", "scopes": ["fly"], "lifetime": "90"})

        assert 'value="laptop"' in page.content.decode()
        assert page.context["form"].errors.keys() == {"scopes"}
        assert names(browser(bob).get(KEYS)) == ["first"]

    def test_it_is_renamed(self, browser, bob):
        key = bob.keys.get()
        client = browser(bob)
        assert 'value="first"' in client.get(f"{KEYS}/{key.pk}/rename").content.decode()

        client.post(f"{KEYS}/{key.pk}/rename", {"name": "thesis"})

        key.refresh_from_db()
        assert key.name == "thesis"
        (event,) = audited(Event.Action.KEY_CHANGED)
        assert event.details == {"former_name": "first"}

    def test_a_name_that_does_not_fit_is_refused(self, browser, bob):
        key = bob.keys.get()

        answer = browser(bob).post(f"{KEYS}/{key.pk}/rename", {"name": " "})

        assert answer.context["form"].errors
        key.refresh_from_db()
        assert key.name == "first"


class TestEverybodys:
    def test_it_shows_who_owns_what_works(self, browser, alice, bob, charlie):
        now = timezone.now()
        services.issue_key(name="laptop", by=bob, now=now)
        services.revoke_key(key=services.issue_key(name="lost", by=bob, now=now)[0], by=bob, now=now)
        ApiKey.objects.filter(membership=alice).update(expires_at=now)

        answer = browser(alice).get(ALL_KEYS)

        assert [(key.membership, key.name) for key in answer.context["page"].rows] == [(bob, "laptop"), (bob, "first")]

    @pytest.mark.parametrize(("part", "expected"), [("LAP", ["laptop"]), ("alice@", ["first"]), ("nobody", [])])
    def test_it_is_searched_by_owner_and_name(self, browser, alice, bob, part, expected):
        services.issue_key(name="laptop", by=bob, now=timezone.now())

        assert names(browser(alice).get(f"{ALL_KEYS}?search={part}")) == expected

    def test_an_admin_stops_one(self, browser, alice, bob):
        key = bob.keys.get()
        client = browser(alice)
        assert "bob@example.com can make a new key" in text_of(client.get(f"{ALL_KEYS}/{key.pk}/revoke"))

        answer = client.post(f"{ALL_KEYS}/{key.pk}/revoke", follow=True)

        assert answer.redirect_chain == [(ALL_KEYS, 302)]
        key.refresh_from_db()
        assert key.revoked_at
        assert [event.actor for event in audited(Event.Action.KEY_REVOKED)] == ["alice@example.com"]

    def test_those_of_other_organizations_are_out_of_reach(self, browser, alice, charlie):
        key = charlie.keys.get()

        assert browser(alice).post(f"{ALL_KEYS}/{key.pk}/revoke").status_code == 404
