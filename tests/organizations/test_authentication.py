"""How programs show who they are, and what becomes of those that cannot."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from organizations import services
from organizations.models import ApiKey

from .conftest import ACME


@pytest.fixture
def raw_key(bob):
    return services.issue_key(name="test", by=bob, now=timezone.now())[1]


@pytest.fixture
def key(raw_key):
    return ApiKey.objects.get(name="test")


def get(raw_key, **headers):
    return APIClient(headers={"Luna-API-Key": raw_key} | headers).get(ACME)


class TestHeaders:
    @pytest.mark.parametrize(
        ("name", "prefix"),
        [
            ("Luna-API-Key", ""),
            ("X-Auth-Token", ""),
            ("Authorization", "Bearer "),
            ("Authorization", "bearer  "),
            ("Luna-API-Key", " "),
        ],
    )
    def test_a_key_comes_in_the_header_of_its_sdk(self, raw_key, name, prefix):
        assert APIClient(headers={name: prefix + raw_key}).get(ACME).status_code == 200

    @pytest.mark.parametrize(
        "headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Token x"}, {"Authorization": "Bearer"}]
    )
    def test_without_one_nobody_is_let_in(self, acme, headers):
        response = APIClient(headers=headers).get(ACME)
        assert response.status_code == 401
        assert response.json().keys() == {"detail"}
        assert response["WWW-Authenticate"] == 'Bearer realm="Luna Portal"'

    def test_a_key_in_the_address_is_none(self, raw_key):
        assert APIClient().get(f"{ACME}?api_key={raw_key}&Luna-API-Key={raw_key}").status_code == 401

    def test_a_wrong_key_is_not_saved_by_a_session(self, browser, bob):
        client = browser(bob)
        assert client.get(ACME).status_code == 200
        assert client.get(ACME, headers={"Luna-API-Key": "luna_wrong"}).status_code == 401

    def test_a_key_counts_more_than_a_session(self, browser, alice, raw_key):
        response = browser(alice).get(f"{ACME}/membership", headers={"Luna-API-Key": raw_key})
        assert response.json()["role"] == "member"


class TestRefusals:
    @pytest.mark.parametrize("wrong", ["", "x", "luna_", "luna_" + "x" * 43, "\xff\xfe", "x" * 5000])
    def test_unknown(self, acme, wrong):
        response = get(wrong)
        assert response.status_code == 401
        assert response.json() == {"detail": "This API key is not known."}

    def test_the_digest_is_no_key(self, key):
        assert get(key.digest).status_code == 401

    def test_revoked(self, raw_key, key, bob):
        services.revoke_key(key=key, by=bob, now=timezone.now())
        assert get(raw_key).json() == {"detail": "This API key has been revoked."}

    def test_expired(self, raw_key, key):
        ApiKey.objects.update(expires_at=timezone.now())
        assert get(raw_key).json() == {"detail": "This API key has expired."}
        ApiKey.objects.update(expires_at=timezone.now() + timedelta(seconds=60))
        assert get(raw_key).status_code == 200

    def test_of_somebody_who_was_deactivated(self, raw_key, bob):
        bob.user.is_active = False
        bob.user.save()
        assert get(raw_key).json() == {"detail": "The account of this API key has been deactivated."}
        assert get(raw_key).status_code == 401

    def test_of_somebody_who_is_no_member_any_more(self, raw_key, alice, bob):
        services.remove_member(membership=bob, by=alice)
        assert get(raw_key).status_code == 401


class TestLastUse:
    def test_it_is_noted_at_most_once_a_minute(self, raw_key, key, time_machine):
        start = timezone.now().replace(microsecond=0)
        noted = []
        for seconds in (0, 30, 60, 61, 100, 122):
            time_machine.move_to(start + timedelta(seconds=seconds), tick=False)
            get(raw_key)
            key.refresh_from_db()
            noted.append((key.last_used_at - start).seconds)
        assert noted == [0, 0, 0, 61, 61, 122]

    def test_a_refused_key_was_not_used(self, raw_key, key):
        ApiKey.objects.update(expires_at=timezone.now())
        get(raw_key)
        key.refresh_from_db()
        assert key.last_used_at is None


def test_one_query_tells_who_it_is(raw_key, django_assert_num_queries):
    get(raw_key)
    with django_assert_num_queries(1):
        assert get(raw_key).status_code == 200


class TestSessions:
    def test_they_open_the_api_too(self, browser, bob):
        assert browser(bob).get(ACME).status_code == 200

    def test_they_need_a_csrf_token_to_change_anything(self, browser, alice):
        client = Client(enforce_csrf_checks=True)
        client.cookies = browser(alice).cookies
        change = {"data": '{"name": "Evil"}', "content_type": "application/json"}
        refused = client.patch(ACME, **change)
        assert refused.status_code == 403
        assert refused.json()["internal_code"] == "FORBIDDEN"

        client.get("/o/acme/keys/new")
        token = client.cookies["csrftoken"].value
        assert client.patch(ACME, **change, headers={"X-CSRFToken": token}).status_code == 200

    def test_keys_need_none(self, alice):
        raw_key = services.issue_key(name="test", by=alice, now=timezone.now())[1]
        client = APIClient(enforce_csrf_checks=True, headers={"Luna-API-Key": raw_key})
        assert client.patch(ACME, {"name": "Labs"}, format="json").status_code == 200
