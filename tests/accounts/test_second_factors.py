"""Through the pages: an authenticator app, recovery codes; and what the database holds of them."""

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from accounts.mfa import rotate_secrets
from audit.models import Event
from encryption.fields import DecryptionError, decrypt, under_first_key

from .conftest import PASSWORD

# With real commits: allauth reports new factors once they are committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stopped_clock")]


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def turn_on(client: Client) -> str:
    """Set up an authenticator app; its secret."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)})
    cache.clear()  # where used codes are remembered
    return secret


@pytest.fixture
def secret(ada, client, sign_in) -> str:
    """Of the authenticator app that Ada has set up. She is signed out."""
    sign_in(ada.email)
    secret = turn_on(client)
    client.post("/accounts/logout/")
    return secret


@pytest.fixture
def codes(secret) -> list[str]:
    return Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()


def enter(client: Client, code: str) -> bool:
    """Whether this second factor lets Ada in, after her password."""
    client.post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD})
    assert client.get("/accounts/profile/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": code})
    return client.get("/accounts/profile/").status_code == 200


class TestSignIn:
    def test_the_app_lets_in(self, client, secret):
        assert enter(client, code_for(secret))

    def test_a_code_of_the_app_works_once(self, client, secret):
        code = code_for(secret)
        assert enter(client, code)
        assert not enter(Client(), code)

    def test_a_recovery_code_works_once(self, client, codes):
        assert enter(client, codes[0])
        assert not enter(Client(), codes[0])
        assert enter(Client(), codes[1])

    def test_a_wrong_code_does_not(self, client, secret, ada):
        assert not enter(client, "000000")
        event = Event.objects.order_by("id").last()
        assert (event.action, event.actor, event.target) == ("user_sign_in_failed", "", ada.email)
        assert event.details == {"method": "totp"}


class TestAtRest:
    def test_neither_the_apps_secret_nor_the_codes_seed_is_in_clear(self, secret, codes):
        rows = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
        sessions = [session.get_decoded() for session in Session.objects.all()]
        for text in (secret, *codes):
            assert text not in rows
            assert text not in str(sessions)
        app, recovery = Authenticator.objects.order_by("pk")
        assert decrypt(app.data["secret"]) == secret
        assert len(decrypt(recovery.data["seed"])) == 80

    def test_without_the_key_nobody_gets_in(self, client, secret, settings):
        settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
        client.post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD})
        with pytest.raises(DecryptionError, match="second factor"):
            client.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})


class TestRotation:
    @pytest.fixture
    def new_key(self, secret, settings) -> list[str]:
        """A key that comes first from now on; nothing is under it yet."""
        settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEY]
        return settings.FIELD_ENCRYPTION_KEY

    def renewed(self, **options: object) -> int:
        return sum(progress.renewed for progress in rotate_secrets(**options))

    def test_it_brings_all_secrets_under_the_first_key(self, client, secret, codes, new_key, settings):
        assert self.renewed(batch_size=1) == 2
        settings.FIELD_ENCRYPTION_KEY = new_key[:1]
        assert enter(client, code_for(secret))
        assert enter(Client(), codes[0])

    def test_again_it_has_nothing_to_do(self, new_key):
        self.renewed()
        before = list(Authenticator.objects.values_list("data", flat=True))
        assert self.renewed() == 0
        assert list(Authenticator.objects.values_list("data", flat=True)) == before

    def test_it_can_only_count(self, new_key):
        assert self.renewed(write=False) == 2
        assert not any(
            under_first_key(row.data.get("secret") or row.data["seed"]) for row in Authenticator.objects.all()
        )

    def test_a_code_used_meanwhile_stays_used(self, client, codes, new_key):
        batches = rotate_secrets(batch_size=1)
        next(batches)  # the app's
        assert enter(client, codes[0])
        list(batches)
        assert Authenticator.objects.get(type="recovery_codes").data["used_mask"] == 1
        assert not enter(Client(), codes[0])

    def test_it_does_not_overwrite_what_changed_since_it_read(self, codes, new_key, monkeypatch):
        """Between reading a row and writing it, a recovery code is used."""
        import accounts.mfa

        reencrypt = accounts.mfa.reencrypt

        def slow(ciphertext: str) -> str | None:
            monkeypatch.setattr(accounts.mfa, "reencrypt", reencrypt)
            assert Authenticator.objects.get(type="recovery_codes").wrap().validate_code(codes[0])
            return reencrypt(ciphertext)

        Authenticator.objects.filter(type="totp").delete()
        monkeypatch.setattr(accounts.mfa, "reencrypt", slow)
        assert self.renewed() == 1
        recovery = Authenticator.objects.get(type="recovery_codes")
        assert recovery.data["used_mask"] == 1
        assert under_first_key(recovery.data["seed"])


class TestAudit:
    def test_setting_up_and_turning_off(self, ada, client, secret):
        enter(client, code_for(secret))
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        client.post("/accounts/2fa/totp/deactivate/")
        added = Event.objects.filter(action="mfa_added").order_by("id")
        assert [event.details["method"] for event in added] == ["totp", "recovery_codes"]
        removed = Event.objects.filter(action="mfa_removed").order_by("id")
        assert {event.details["method"] for event in removed} == {"totp", "recovery_codes"}
        assert {event.actor for event in (*added, *removed)} == {ada.email}

    def test_no_secret_is_in_it(self, secret, codes):
        lines = str([vars(event) for event in Event.objects.all()])
        assert not any(text in lines for text in (secret, *codes))
