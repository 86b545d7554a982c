"""Admins read what happened in their organization."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit import log
from audit.models import Event
from organizations import services
from organizations.permissions import Scope

from .conftest import ACME

URL = f"{ACME}/audit"


def events(response):
    assert response.status_code == 200, response.content
    return response.json()["results"]


class TestAccess:
    def test_admins_read_it(self, api, alice):
        newest = events(api(alice).get(URL))[0]
        assert newest.keys() == {
            "id",
            "at",
            "action",
            "actor",
            "key",
            "address",
            "target_type",
            "target_id",
            "target",
            "details",
        }
        assert (newest["action"], newest["actor"]) == ("key_issued", "alice@example.com")

    def test_members_do_not(self, api, bob):
        assert api(bob).get(URL).status_code == 403

    def test_nor_does_an_admins_key_for_jobs(self, api, alice):
        assert api(alice, scopes=[Scope.RUN, Scope.MANAGE]).get(URL).status_code == 403

    def test_strangers_find_nothing(self, api, acme, charlie):
        assert api(charlie).get(URL).status_code == 404

    def test_it_is_the_organizations_own(self, api, browser, alice, bob, charlie, bobs_token):
        services.change_organization(name="Globex Labs", by=charlie)
        told = str(events(api(alice).get(URL)))
        assert "charlie" not in told
        assert "lobex" not in told
        assert "mine" not in told  # a personal token is its owner's affair
        assert {event["target"] for event in events(browser(charlie).get(URL.replace("acme", "globex")))} >= {
            "Globex Labs"
        }

    def test_it_says_through_which_key_and_from_where(self, api, alice):
        api(alice).patch(ACME, {"name": "Labs"}, format="json", REMOTE_ADDR="203.0.113.9")
        newest = events(api(alice).get(f"{URL}?action=organization_changed"))[0]
        assert newest["key"].startswith("test (luna_")
        assert newest["address"] == "203.0.113.9"

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_nobody_writes_it(self, api, alice, method):
        assert getattr(api(alice), method)(URL).status_code == 405


class TestFilters:
    @pytest.fixture
    def client(self, browser, alice, bob):
        now = timezone.now()
        services.change_organization(name="Labs", by=alice)
        services.issue_key(name="bobs", by=bob, now=now)
        return browser(alice)

    @pytest.mark.parametrize(
        ("query", "targets"),
        [
            ("action=organization_changed", ["Labs"]),
            ("actor=BOB@example.com", ["bobs"]),
            ("actor=bob@example.com&action=organization_changed", []),
            ("actor=nobody@example.com", []),
            ("order=id&limit=1", ["Acme"]),
            ("order=-id&limit=1", ["bobs"]),
        ],
    )
    def test_it_finds(self, client, query, targets):
        assert [event["target"].split(" (")[0] for event in events(client.get(f"{URL}?{query}"))] == targets

    def test_it_finds_by_time(self, client):
        renamed = Event.objects.get(action="organization_changed")
        at, after = renamed.at.isoformat(), (renamed.at + timedelta(microseconds=1)).isoformat()
        found = events(client.get(URL, {"since": at, "until": after}))
        assert [event["id"] for event in found] == [renamed.pk]
        assert renamed.pk not in [event["id"] for event in events(client.get(URL, {"until": at}))]

    @pytest.mark.parametrize("query", ["action=nonsense", "actor=x", "since=yesterday", "order=actor", "limit=501"])
    def test_it_refuses_what_it_does_not_know(self, client, query):
        assert client.get(f"{URL}?{query}").status_code == 422


def test_its_pages_stay_in_place_while_lines_are_added(browser, alice):
    with transaction.atomic():
        for number in range(120):
            log.record(Event.Action.ORGANIZATION_CHANGED, by=alice, target=None, number=number)
    client = browser(alice)
    url, seen = f"{URL}?action=organization_changed&limit=50", []
    while url:
        page = client.get(url).json()
        seen += [event["details"]["number"] for event in page["results"]]
        services.change_organization(name="Labs", by=alice)
        url = page["next"]
    assert seen == list(range(119, -1, -1))
