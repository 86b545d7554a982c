import hashlib
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from audit.models import Event
from organizations import services
from organizations.models import ApiKey
from organizations.permissions import Permission, Scope

from .conftest import ACME, audited

URL = f"{ACME}/api-keys"
PAGE = "/o/acme/keys/new"


def issue(by, **options):
    return services.issue_key(**{"name": "laptop", "by": by, "now": timezone.now()} | options)


class TestService:
    def test_only_its_digest_is_kept(self, bob):
        key, raw_key = issue(bob)
        assert raw_key.startswith("luna_")
        assert len(raw_key) > 45
        stored = ApiKey.objects.filter(pk=key.pk).values().get()
        assert stored["digest"] == hashlib.sha256(raw_key.encode()).hexdigest()
        assert stored["hint"] == raw_key[:9]
        assert raw_key not in str(stored)

    def test_it_is_audited_without_the_key(self, bob):
        _, raw_key = issue(bob, scopes=[Scope.RUN, Scope.READ])
        event = audited(Event.Action.KEY_ISSUED)[-1]
        assert (event.actor, event.target) == ("bob@example.com", f"laptop ({raw_key[:9]}…)")
        assert event.details == {"scopes": "read run"}
        assert raw_key not in str(Event.objects.values())

    @pytest.mark.parametrize(
        "options",
        [
            {"name": ""},
            {"name": "a\nb"},
            {"name": "x" * 101},
            {"scopes": []},
            {"scopes": ["everything"]},
            {"expires_at": timezone.now() - timedelta(seconds=1)},
        ],
    )
    def test_it_refuses_nonsense(self, bob, options):
        before = ApiKey.objects.count()
        with pytest.raises(ValidationError):
            issue(bob, **options)
        assert ApiKey.objects.count() == before

    def test_there_is_none_when_the_audit_line_fails(self, bob, monkeypatch):
        before = ApiKey.objects.count()
        monkeypatch.setattr("organizations.services.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            issue(bob)
        assert ApiKey.objects.count() == before


class TestWhatAKeyMayDo:
    @pytest.mark.parametrize(
        ("scopes", "may", "may_not"),
        [
            ([Scope.READ], Permission.VIEW_TOKENS, Permission.USE_TOKENS),
            ([Scope.RUN], Permission.USE_TOKENS, Permission.VIEW_TOKENS),
            ([Scope.MANAGE], Permission.MANAGE_OWN_TOKENS, Permission.USE_TOKENS),
        ],
    )
    def test_its_scopes_say(self, bob, scopes, may, may_not):
        bob.key, _ = issue(bob, scopes=scopes)
        assert bob.can(may)
        assert not bob.can(may_not)

    def test_all_scopes_together_are_every_right(self, alice):
        alice.key, _ = issue(alice)
        assert alice.permissions == frozenset(Permission)

    def test_never_more_than_the_role(self, bob):
        without_key = bob.permissions
        bob.key, _ = issue(bob)
        assert bob.permissions == without_key

    def test_a_scope_that_is_not_known_any_more_gives_nothing(self, bob):
        bob.key, _ = issue(bob, scopes=[Scope.READ])
        bob.key.scopes = ["former"]
        assert bob.permissions == frozenset()


class TestAKeyMadeByAKey:
    def test_it_may_do_as_much_or_less(self, alice):
        alice.key, _ = issue(alice, scopes=[Scope.READ, Scope.MANAGE])
        issue(alice, scopes=[Scope.READ])
        with pytest.raises(ValidationError, match="more than itself"):
            issue(alice, scopes=[Scope.READ, Scope.RUN])

    def test_it_lives_as_long_or_shorter(self, alice):
        end = timezone.now() + timedelta(days=1)
        alice.key, _ = issue(alice, expires_at=end)
        issue(alice, expires_at=end)
        with pytest.raises(ValidationError, match="longer"):
            issue(alice, expires_at=end + timedelta(microseconds=1))
        with pytest.raises(ValidationError, match="longer"):
            issue(alice)


class TestApi:
    def test_it_shows_the_key_once(self, api, bob):
        client = api(bob)
        response = client.post(URL, {"name": "laptop", "scopes": ["read"]}, format="json")
        assert response.status_code == 201
        answer = response.json()
        assert Client(headers={"Luna-API-Key": answer["key"]}).get(ACME).status_code == 200

        for url in (URL, f"{URL}/{answer['id']}"):
            again = client.get(url)
            assert again.status_code == 200
            assert answer["key"] not in again.content.decode()
        del answer["key"]
        assert client.get(f"{URL}/{answer['id']}").json() == answer | {"last_used_at": client_used(answer["id"])}

    def test_without_more_it_may_everything_for_ever(self, api, bob):
        answer = api(bob).post(URL, {"name": "laptop"}, format="json").json()
        assert (answer["scopes"], answer["expires_at"]) == (["read", "run", "manage"], None)

    def test_a_key_cannot_exceed_itself(self, api, bob):
        response = api(bob, scopes=[Scope.MANAGE]).post(URL, {"name": "more"}, format="json")
        assert response.status_code == 422

    def test_a_key_that_may_make_no_changes_makes_no_keys(self, api, bob):
        assert api(bob, scopes=[Scope.READ, Scope.RUN]).post(URL, {"name": "more"}, format="json").status_code == 403

    def test_strangers_find_nothing(self, api, acme, charlie):
        assert api(charlie).post(URL, {"name": "mine"}, format="json").status_code == 404
        assert api(charlie).get(URL).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": "\u202eevil"},
            {"name": "x", "scopes": []},
            {"name": "x", "scopes": "read"},
            {"name": "x", "scopes": ["read", "read", "read", "read"]},
            {"name": "x", "scopes": [["read"]]},
            {"name": "x", "expires_at": "tomorrow"},
            {"name": "x", "expires_at": "2020-01-01T00:00:00Z"},
            {"name": "x", "expires_at": "9999-12-31T23:59:59-14:00"},
        ],
    )
    def test_it_refuses_nonsense(self, api, bob, body):
        assert api(bob).post(URL, body, format="json").status_code == 422


def client_used(key_id):
    return ApiKey.objects.get(pk=key_id).last_used_at.isoformat().replace("+00:00", "Z")


class TestPage:
    form = {"name": "laptop", "scopes": ["read", "run"], "lifetime": "30"}

    def test_it_shows_the_key_and_how_to_use_it_once(self, browser, bob):
        client = browser(bob)
        response = client.post(PAGE, self.form)
        key, raw_key = response.context["key"], response.context["raw_key"]
        page = response.content.decode()
        assert page.count(raw_key) == 2
        assert "export LUNA_BASE_URL=http://localhost" in page
        assert f"export LUNA_API_KEY={raw_key}" in page
        assert "no-store" in response["Cache-Control"]

        assert key.scopes == ["read", "run"]
        assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=31)
        dashboard = client.get("/o/acme").content.decode()
        assert raw_key not in dashboard
        assert key.hint in dashboard

    def test_it_may_last_for_ever(self, browser, bob):
        response = browser(bob).post(PAGE, self.form | {"lifetime": "0"})
        assert response.context["key"].expires_at is None

    @pytest.mark.parametrize("change", [{"name": ""}, {"scopes": []}, {"scopes": ["all"]}, {"lifetime": "1000"}])
    def test_it_says_what_is_wrong(self, browser, bob, change):
        response = browser(bob).post(PAGE, self.form | change)
        assert response.status_code == 200
        assert response.context["form"].errors.keys() == change.keys()
        assert not ApiKey.objects.filter(name="laptop").exists()

    def test_strangers_find_nothing(self, browser, acme, charlie):
        assert browser(charlie).post(PAGE, self.form).status_code == 404
