"""GET /qpu-tokens"""

from datetime import timedelta

import pytest
from django.utils import timezone

from organizations.models import Membership
from organizations.permissions import Role
from quotas.models import TimeQuotaPolicy
from tests.conftest import SECRET, join
from tokens.models import QpuToken
from tokens.services import upload_token

URL = "/qpu-tokens"
NO_QUOTAS = {"group_time_quota": None, "user_time_quota": None}


def names(answer):
    assert answer.status_code == 200
    return {wire: [token["name"] for token in tokens] for wire, tokens in answer.json().items()}


def set_quota(token, member=None, quota_ns=5, used_ns=0, reserved_ns=0):
    now = timezone.now()
    return TimeQuotaPolicy.objects.create(
        token=token,
        member=member,
        quota_ns=quota_ns,
        used_ns=used_ns,
        reserved_ns=reserved_ns,
        starts_at=now,
        ends_at=now + timedelta(days=1),
    )


class TestWhoSeesWhat:
    def test_an_empty_list_has_both_parts(self, luna, alice):
        assert luna(alice).get(URL).json() == {"shared": [], "private": []}

    def test_each_sees_the_group_s_and_their_own(self, luna, alice, bob, charlie, lab_token, bobs_token):
        upload_token(scope="personal", provider="ibm", name="alice's", secret=SECRET, by=alice)
        upload_token(scope="group", provider="dwave", name="globex", secret=SECRET, by=charlie)
        assert names(luna(alice).get(URL)) == {"shared": ["lab"], "private": ["alice's"]}
        assert names(luna(bob).get(URL)) == {"shared": ["lab"], "private": ["mine"]}
        assert names(luna(charlie).get(URL)) == {"shared": ["globex"], "private": []}

    def test_the_key_says_which_group(self, luna, bob, lab_token, bobs_token):
        elsewhere = join("Globex", bob.user.email, Role.ADMIN)
        assert names(luna(elsewhere).get(URL)) == {"shared": [], "private": ["mine"]}

    def test_a_token_is_what_the_sdk_knows_and_nothing_more(self, luna, alice, lab_token):
        assert luna(alice).get(URL).json()["shared"] == [{"name": "lab", "provider": "dwave", **NO_QUOTAS}]


class TestQuotas:
    """Only settled time counts as used; times have a zone; users go by their ids, as strings."""

    def test_an_admin_sees_everybody_s(self, luna, alice, bob, lab_token):
        group = set_quota(lab_token, quota_ns=2**63 - 1, used_ns=3, reserved_ns=4)
        set_quota(lab_token, alice, quota_ns=0)
        set_quota(lab_token, bob, quota_ns=7)
        [token] = luna(alice).get(URL).json()["shared"]
        assert token["group_time_quota"] == {
            "quota": 2**63 - 1,
            "quota_used": 3,
            "start": group.starts_at.isoformat().replace("+00:00", "Z"),
            "end": group.ends_at.isoformat().replace("+00:00", "Z"),
        }
        quotas = {user: quota["quota"] for user, quota in token["user_time_quota"].items()}
        assert quotas == {str(alice.user_id): 0, str(bob.user_id): 7}

    def test_a_member_sees_their_own(self, luna, alice, bob, lab_token):
        set_quota(lab_token)
        set_quota(lab_token, alice)
        set_quota(lab_token, bob, quota_ns=7)
        [token] = luna(bob).get(URL).json()["shared"]
        assert token["group_time_quota"] is None
        assert {user: quota["quota"] for user, quota in token["user_time_quota"].items()} == {str(bob.user_id): 7}

    @pytest.mark.parametrize("agent", ["LunaSDK/1.0.0", "LunaSDK/1.1.3", "LunaSDK/1.2.0", "LunaSDK/1.2.1 (x)"])
    def test_old_sdks_are_not_told(self, luna, alice, lab_token, agent):
        set_quota(lab_token)
        tokens = luna(alice).get(URL, headers={"User-Agent": agent}).json()["shared"]
        assert tokens == [{"name": "lab", "provider": "dwave"}]

    @pytest.mark.parametrize(
        "agent",
        [
            "LunaSDK/1.2.2",
            "LunaSDK/1.3.1",
            "LunaSDK/1.10.0",
            "LunaSDK/2.0.0rc1",
            "LunaSDK/10.0.0",
            "LunaSDK/dev",
            "LunaSDK/" + "9" * 5_000 + ".0.0",
            "LunaSDK/\xb2.1.1",
            "curl/8",
            "",
        ],
    )
    def test_all_others_are(self, luna, alice, lab_token, agent):
        set_quota(lab_token)
        [token] = luna(alice).get(URL, headers={"User-Agent": agent}).json()["shared"]
        assert token["group_time_quota"]["quota"] == 5


class TestFilters:
    @pytest.fixture
    def client(self, luna, alice):
        for scope in ("group", "personal"):
            for provider in ("dwave", "ibm"):
                upload_token(scope=scope, provider=provider, name=f"{scope}-{provider}", secret=SECRET, by=alice)
        return luna(alice)

    @pytest.mark.parametrize(
        ("query", "shared", "private"),
        [
            ("", ["group-dwave", "group-ibm"], ["personal-dwave", "personal-ibm"]),
            ("token_type=shared", ["group-dwave", "group-ibm"], []),
            ("token_type=private", [], ["personal-dwave", "personal-ibm"]),
            ("filter_provider=ibm", ["group-ibm"], ["personal-ibm"]),
            ("filter_provider=ibm&token_type=private", [], ["personal-ibm"]),
            ("filter_provider=aws", [], []),
            ("filter_provider=no-such-provider", [], []),
            ("filter_provider=DWAVE", [], []),
            ("filter_provider=%ff", [], []),
            ("filter_provider=' OR 1=1 --", [], []),
            ("limit=&offset=&token_type=", ["group-dwave", "group-ibm"], ["personal-dwave", "personal-ibm"]),
            ("unknown=x", ["group-dwave", "group-ibm"], ["personal-dwave", "personal-ibm"]),
            ("offset=1", ["group-ibm"], ["personal-ibm"]),
            ("limit=1", ["group-dwave"], ["personal-dwave"]),
            ("limit=1&offset=1", ["group-ibm"], ["personal-ibm"]),
            ("limit=1000&offset=2147483647", [], []),
        ],
    )
    def test_they_narrow_both_lists(self, client, query, shared, private):
        assert names(client.get(f"{URL}?{query}")) == {"shared": shared, "private": private}

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=-1",
            "limit=1001",
            "limit=x",
            "limit=1.5",
            "limit=1e1",
            "limit=NaN",
            "limit=" + "9" * 3_000,
            "limit=%00",
            "offset=-1",
            "offset=x",
            "offset=2147483648",
            "offset=" + "9" * 3_000,
            "token_type=group",
            "token_type=SHARED",
            "token_type=shared,private",
            "filter_provider=%00",
        ],
    )
    def test_nonsense_is_422(self, client, query):
        assert client.get(f"{URL}?{query}").status_code == 422


class TestPages:
    def test_ten_of_each_come_without_a_limit(self, luna, alice):
        for number in range(12):
            for scope in ("group", "personal"):
                upload_token(scope=scope, provider="ibm", name=f"{number}", secret=SECRET, by=alice)
        client = luna(alice)
        for wire in ("shared", "private"):
            assert names(client.get(URL))[wire] == [f"{number}" for number in range(10)]
            pages = [names(client.get(f"{URL}?limit=5&offset={offset}"))[wire] for offset in (0, 5, 10, 15)]
            assert [name for page in pages for name in page] == [f"{number}" for number in range(12)]


class TestCosts:
    @pytest.fixture
    def fill(self, alice, acme, django_user_model):
        """fill(tokens, users): so many tokens of both scopes; on each group token a quota for each of so many users."""

        def fill_up(tokens, users):
            people = [django_user_model(email=f"{number}@example.com", password="!") for number in range(users)]
            django_user_model.objects.bulk_create(people)
            members = Membership.objects.bulk_create(Membership(user=person, organization=acme) for person in people)
            for owner in ({"owner": alice.user}, {"organization": acme}):
                kept = QpuToken.objects.bulk_create(
                    QpuToken(name=f"{number}", provider="dwave", secret=SECRET, secret_digest="", **owner)
                    for number in range(tokens)
                )
            window = {"starts_at": timezone.now(), "ends_at": timezone.now() + timedelta(days=1)}
            TimeQuotaPolicy.objects.bulk_create(
                TimeQuotaPolicy(token=token, member=member, quota_ns=5, **window)
                for token in kept
                for member in (None, *members)
            )

        return fill_up

    @pytest.mark.parametrize(("tokens", "users"), [(1, 1), (50, 1), (1, 100), (50, 100)])
    def test_it_takes_two_queries_whatever_there_is(self, luna, alice, fill, django_assert_num_queries, tokens, users):
        fill(tokens, users)
        client = luna(alice)
        client.get("/users/me")  # notes the use of the key
        with django_assert_num_queries(2):  # the key; the tokens with quotas
            answer = client.get(f"{URL}?limit=50").json()
        assert len(answer["shared"]) == len(answer["private"]) == tokens
        assert len(answer["shared"][-1]["user_time_quota"]) == users
