"""Keys are listed, renamed and revoked: by their owner, and by admins."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from organizations import services
from organizations.models import ApiKey
from organizations.permissions import Scope

from .conftest import ACME, audited

URL = f"{ACME}/api-keys"


@pytest.fixture
def key(bob):
    return bob.keys.get()  # "first", which the cast has


@pytest.fixture
def member_keys(bob):
    return f"{ACME}/members/{bob.pk}/api-keys"


class TestService:
    def test_a_revoked_key_is_revoked_once(self, bob, key):
        now = timezone.now()
        services.revoke_key(key=key, by=bob, now=now)
        services.revoke_key(key=key, by=bob, now=now + timedelta(days=1))
        key.refresh_from_db()
        assert key.revoked_at == now
        (event,) = audited(Event.Action.KEY_REVOKED)
        assert (event.actor, event.target) == ("bob@example.com", key.label)

    def test_it_is_renamed(self, bob, key):
        services.rename_key(key=key, name=" desk ", by=bob)
        key.refresh_from_db()
        assert key.name == "desk"
        (event,) = audited(Event.Action.KEY_CHANGED)
        assert event.details == {"former_name": "first"}

    @pytest.mark.parametrize("service", [services.revoke_key, services.rename_key])
    def test_nothing_changes_when_the_audit_line_fails(self, bob, key, service, monkeypatch):
        monkeypatch.setattr("organizations.services.log.record", lambda *args, **kwargs: 1 / 0)
        change = {"now": timezone.now()} if service is services.revoke_key else {"name": "desk"}
        with pytest.raises(ZeroDivisionError):
            service(key=key, by=bob, **change)
        key.refresh_from_db()
        assert (key.name, key.revoked_at) == ("first", None)


class TestOwn:
    def test_the_list_shows_all_newest_first(self, browser, bob, alice):
        services.issue_key(name="second", by=bob, now=timezone.now())
        listed = browser(bob).get(URL).json()["results"]
        assert [one["name"] for one in listed] == ["second", "first"]
        assert listed[0].keys() == {
            "id",
            "name",
            "hint",
            "scopes",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        }

    def test_it_is_renamed(self, api, bob, key):
        response = api(bob).patch(f"{URL}/{key.pk}", {"name": "desk"}, format="json")
        assert (response.status_code, response.json()["name"]) == (200, "desk")

    def test_its_scopes_and_end_are_not_changed(self, api, bob, key):
        change = {"name": "desk", "scopes": ["read"], "expires_at": None, "revoked_at": None, "digest": "x"}
        api(bob).patch(f"{URL}/{key.pk}", change, format="json")
        key.refresh_from_db()
        assert key.scopes == list(Scope.values)
        assert key.digest != "x"

    def test_it_is_revoked_and_stays_in_the_list(self, api, bob, key):
        client = api(bob)
        assert client.delete(f"{URL}/{key.pk}").status_code == 204
        assert client.delete(f"{URL}/{key.pk}").status_code == 204
        assert client.get(f"{URL}/{key.pk}").json()["revoked_at"]

    def test_a_key_can_revoke_itself(self, api, bob):
        client = api(bob)
        own = bob.keys.latest("id")
        assert client.delete(f"{URL}/{own.pk}").status_code == 204
        assert client.get(URL).status_code == 401

    def test_a_key_that_may_make_no_changes_makes_none(self, api, bob, key):
        client = api(bob, scopes=[Scope.READ, Scope.RUN])
        assert client.get(f"{URL}/{key.pk}").status_code == 200
        assert client.patch(f"{URL}/{key.pk}", {"name": "desk"}, format="json").status_code == 403
        assert client.delete(f"{URL}/{key.pk}").status_code == 403

    def test_other_peoples_are_out_of_reach(self, api, alice, charlie, key):
        assert api(alice).get(f"{URL}/{key.pk}").status_code == 404
        assert api(alice).delete(f"{URL}/{key.pk}").status_code == 404
        assert api(charlie).delete(f"/api/v1/organizations/globex/api-keys/{key.pk}").status_code == 404
        key.refresh_from_db()
        assert key.revoked_at is None


class TestByAdmins:
    def test_an_admin_revokes_a_members(self, api, alice, bob, key, member_keys):
        client = api(alice)
        assert [one["hint"] for one in client.get(member_keys).json()["results"]] == [key.hint]
        assert client.delete(f"{member_keys}/{key.pk}").status_code == 204
        key.refresh_from_db()
        assert key.revoked_at
        assert audited(Event.Action.KEY_REVOKED)[0].actor == "alice@example.com"

    def test_members_cannot(self, api, bob, key, member_keys):
        assert api(bob).get(member_keys).status_code == 403
        assert api(bob).delete(f"{member_keys}/{key.pk}").status_code == 403

    def test_other_organizations_are_out_of_reach(self, api, alice, bob, charlie, key, member_keys):
        charlies = charlie.keys.get()
        for url in (
            f"{member_keys}/{charlies.pk}",
            f"{ACME}/members/{charlie.pk}/api-keys/{charlies.pk}",
            f"{ACME}/members/{alice.pk}/api-keys/{key.pk}",
        ):
            assert api(alice).delete(url).status_code == 404
        assert api(alice).get(f"{ACME}/members/{charlie.pk}/api-keys").status_code == 404
        assert api(charlie).get(member_keys).status_code == 404
        assert not ApiKey.objects.exclude(revoked_at=None).exists()


class TestPage:
    def url(self, key):
        return f"/o/acme/keys/{key.pk}/revoke"

    def test_it_asks_first(self, browser, bob, key):
        client = browser(bob)
        assert f"Revoke {key.name}?" in client.get(self.url(key)).content.decode()
        key.refresh_from_db()
        assert key.revoked_at is None

        response = client.post(self.url(key), follow=True)
        assert response.redirect_chain == [("/o/acme/keys", 302)]
        page = response.content.decode()
        assert "first is revoked" in page
        assert f"/o/acme/keys/{key.pk}/revoke" not in page
        key.refresh_from_db()
        assert key.revoked_at

    def test_there_is_nothing_to_revoke_twice(self, browser, bob, key):
        browser(bob).post(self.url(key))
        assert browser(bob).get(self.url(key)).status_code == 404
        assert browser(bob).post(self.url(key)).status_code == 404

    def test_other_peoples_are_out_of_reach(self, browser, alice, charlie, key):
        assert browser(alice).post(self.url(key)).status_code == 404
        assert browser(charlie).post(self.url(key)).status_code == 404
        key.refresh_from_db()
        assert key.revoked_at is None
