"""Which keys open the door, where they are looked for, and how far each opens it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from organizations import services
from organizations.models import ApiKey
from organizations.permissions import Role

ME = "/users/me"
QUOTA = {"quota": 5, "start": None, "end": None}
TOKEN = {"name": "t", "provider": "dwave", "token": "a-secret"}


@pytest.fixture
def raw_key(alice):
    return services.issue_key(name="test", by=alice, now=timezone.now())[1]


class TestWhereTheKeyIs:
    @pytest.mark.parametrize("header", ["Luna-API-Key", "luna-api-key", "X-Auth-Token"])
    def test_it_is_found(self, anybody, raw_key, header):
        assert anybody.get(ME, headers={header: raw_key}).status_code == 200

    @pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
    def test_it_is_found_as_bearer(self, anybody, raw_key, scheme):
        assert anybody.get(ME, headers={"Authorization": scheme + raw_key}).status_code == 200

    def test_blanks_around_it_do_not_matter(self, anybody, raw_key):
        assert anybody.get(ME, headers={"Luna-API-Key": f" {raw_key} "}).status_code == 200

    @pytest.mark.parametrize("header", ["X-Api-Key", "Api-Key", "Cookie", "X-Luna-API-Key"])
    def test_elsewhere_it_counts_for_nothing(self, anybody, raw_key, header):
        assert anybody.get(ME, headers={header: raw_key}).status_code == 401

    @pytest.mark.parametrize("scheme", ["", "Basic ", "Token ", "Bearer:"])
    def test_other_schemes_count_for_nothing(self, anybody, raw_key, scheme):
        assert anybody.get(ME, headers={"Authorization": scheme + raw_key}).status_code == 401

    def test_in_the_address_it_counts_for_nothing(self, anybody, raw_key):
        assert anybody.get(f"{ME}?Luna-API-Key={raw_key}&api_key={raw_key}").status_code == 401

    def test_a_header_sent_twice_is_no_key(self, anybody, raw_key):
        # Servers join repeated headers with commas.
        assert anybody.get(ME, headers={"Luna-API-Key": f"{raw_key},{raw_key}"}).status_code == 401

    def test_luna_api_key_wins(self, anybody, raw_key):
        headers = {"Luna-API-Key": "luna_wrong", "Authorization": f"Bearer {raw_key}"}
        assert anybody.get(ME, headers=headers).status_code == 401

    def test_a_session_does_not_do(self, browser, alice):
        # Which of their organizations should it be?
        assert browser(alice).get(f"/luna-solve/api/v1{ME}").status_code == 403


class TestWhichKey:
    @pytest.mark.parametrize("key", ["", " ", "luna_", "\xfc\xdf", "a" * 8_000, "' OR 1=1 --", "%00"])
    def test_an_unknown_one_opens_nothing(self, anybody, raw_key, key):
        answer = anybody.get(ME, headers={"Luna-API-Key": key})
        assert answer.status_code == 401
        assert answer.json() == {"detail": "This API key is not known."}

    @pytest.mark.parametrize("changed", [str.upper, str.lower, lambda key: key[:-1], lambda key: key + "A"])
    def test_a_similar_one_opens_nothing(self, anybody, raw_key, changed):
        assert anybody.get(ME, headers={"Luna-API-Key": changed(raw_key)}).status_code == 401

    def test_its_digest_opens_nothing(self, anybody, raw_key):
        for digest in ApiKey.objects.values_list("digest", flat=True):
            assert anybody.get(ME, headers={"Luna-API-Key": digest}).status_code == 401

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"revoked_at": timezone.now()}, "This API key has been revoked."),
            ({"expires_at": timezone.now()}, "This API key has expired."),
        ],
    )
    def test_a_former_one_opens_nothing(self, luna, alice, changes, words):
        client = luna(alice)
        ApiKey.objects.update(**changes)
        answer = client.get(ME)
        assert answer.status_code == 401
        assert answer.json() == {"detail": words}
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_one_that_will_expire_still_opens(self, luna, alice):
        assert luna(alice, expires_at=timezone.now() + timedelta(minutes=1)).get(ME).status_code == 200

    def test_a_deactivated_account_opens_nothing(self, luna, alice):
        client = luna(alice)
        alice.user.is_active = False
        alice.user.save()
        assert client.get(ME).status_code == 401

    def test_a_former_member_opens_nothing(self, luna, alice, bob):
        client = luna(bob)
        services.remove_member(membership=bob, by=alice)
        assert client.get(ME).status_code == 401


class TestHowFarItOpens:
    READING = ["/users/me", "/qpu-tokens", "/qpu-tokens/shared/lab", "/solvers/available", "/providers/available"]
    CHANGING = [
        ("POST", "/qpu-tokens/shared", TOKEN),
        ("POST", "/qpu-tokens/private", TOKEN),
        ("PATCH", "/qpu-tokens/shared/lab", {"name": "new"}),
        ("DELETE", "/qpu-tokens/shared/lab", ""),
        ("POST", "/qpu-tokens/shared/quota/group/lab", QUOTA),
        ("PATCH", "/qpu-tokens/shared/quota/group/lab", QUOTA),
        ("DELETE", "/qpu-tokens/shared/quota/group/lab", ""),
        ("POST", "/qpu-tokens/shared/quota/user/lab/alice@example.com", QUOTA),
        ("PATCH", "/qpu-tokens/shared/quota/user/lab/alice@example.com", QUOTA),
        ("DELETE", "/qpu-tokens/shared/quota/user/lab/alice@example.com", ""),
    ]

    def test_a_key_for_reading_only_reads(self, luna, alice, lab_token, history):
        client = luna(alice, scopes=["read"])
        for path in self.READING:
            assert client.get(path).status_code == 200
        for call in self.CHANGING:
            answer = client.generic(*call)
            assert answer.status_code == 403
            assert answer.json()["message"].startswith("This API key does not include the right")
        assert history() == []

    def test_a_key_for_jobs_neither_reads_nor_changes(self, luna, alice, lab_token, history):
        client = luna(alice, scopes=["run"])
        for path in self.READING:
            assert client.get(path).status_code == 403
        for call in self.CHANGING:
            assert client.generic(*call).status_code == 403
        assert history() == []

    def test_a_key_for_changes_does_not_read(self, luna, alice, lab_token):
        client = luna(alice, scopes=["manage"])
        for path in self.READING:
            assert client.get(path).status_code == 403
        assert client.post("/qpu-tokens/shared", TOKEN).status_code == 201

    def test_no_key_goes_beyond_the_role(self, luna, alice, bob, lab_token, history):
        client = luna(bob)
        for call in self.CHANGING:
            expected = 201 if call[:2] == ("POST", "/qpu-tokens/private") else 403
            assert client.generic(*call).status_code == expected
        assert history() == [("token_uploaded", "t")]

    def test_a_change_of_role_counts_at_once(self, luna, alice, bob, lab_token):
        client = luna(bob)
        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        assert client.delete("/qpu-tokens/shared/lab").status_code == 204
