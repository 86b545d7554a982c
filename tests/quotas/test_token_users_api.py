import pytest
from rest_framework.test import APIClient

from organizations.models import Plan
from quotas import services
from tests.conftest import SECRET, join
from tokens.services import upload_token

from .conftest import LAB

pytestmark = pytest.mark.django_db

USERS = f"{LAB}/users"


def rows(answer):
    assert answer.status_code == 200
    return {row["email"]: (row["left_ns"], row["can_run"]) for row in answer.json()["results"]}


class TestWhoMayUseIt:
    def test_every_member_may_if_there_is_no_quota(self, lab_token, alice, bob, charlie, api):
        assert api(alice).get(USERS).json()["results"] == [
            {
                "id": member.pk,
                "email": member.user.email,
                "role": member.role,
                "quota": None,
                "left_ns": None,
                "can_run": True,
            }
            for member in (alice, bob)
        ]

    def test_each_has_what_group_and_own_quota_leave(self, assign, reserve, alice, bob, now, api):
        carol = join("Acme", "carol@example.com", "member")
        assign(None, 100)
        assign(bob, 50)
        assign(carol, 0)
        services.settle(usage=reserve(bob, 20), access_time_ns=15, now=now)
        reserve(bob, 10)
        answer = api(alice).get(USERS)
        assert rows(answer) == {
            "alice@example.com": (75, True),
            "bob@example.com": (25, True),
            "carol@example.com": (0, False),
        }
        quota = answer.json()["results"][1]["quota"]
        assert (quota["subject"], quota["quota_ns"], quota["used_ns"], quota["reserved_ns"]) == ("user", 50, 15, 10)

    def test_a_spent_group_quota_stops_everybody(self, assign, alice, bob, api):
        assign(None, 0)
        assign(bob, 50)
        assert rows(api(alice).get(USERS)) == {"alice@example.com": (0, False), "bob@example.com": (0, False)}

    def test_quotas_on_other_tokens_do_not_count(self, assign, alice, bob, api):
        second = upload_token(scope="group", provider="dwave", name="second", secret=SECRET, by=alice)
        assign(None, 0, token=second)
        assign(bob, 0, token=second)
        assert rows(api(alice).get(f"{LAB}/users"))["bob@example.com"] == (None, True)

    def test_tokens_of_other_providers_can_be_used_by_all(self, alice, bob, api):
        upload_token(scope="group", provider="ibm", name="heron", secret=SECRET, by=alice)
        assert len(rows(api(alice).get(USERS.replace("/lab/", "/heron/")))) == 2


class TestList:
    def test_it_is_in_the_order_of_addresses_or_the_reverse(self, lab_token, alice, bob, api):
        emails = ["alice@example.com", "bob@example.com"]
        assert list(rows(api(alice).get(USERS))) == emails
        assert list(rows(api(alice).get(USERS, {"order": "-email"}))) == emails[::-1]

    def test_it_can_be_searched(self, lab_token, alice, bob, api):
        assert len(rows(api(alice).get(USERS, {"search": ""}))) == 2
        assert list(rows(api(alice).get(USERS, {"search": "BOB"}))) == ["bob@example.com"]

    def test_it_comes_in_pages(self, lab_token, alice, api):
        for number in range(4):
            join("Acme", f"m{number}@example.com", "member")
        client, emails, url = api(alice), [], f"{USERS}?limit=2"
        while url:
            page = client.get(url).json()
            assert len(page["results"]) <= 2
            emails += [row["email"] for row in page["results"]]
            url = page["next"]
        assert emails == ["alice@example.com", *(f"m{number}@example.com" for number in range(4))]

    @pytest.mark.parametrize("query", [{"order": "role"}, {"limit": 0}])
    def test_nonsense_is_refused(self, lab_token, alice, api, query):
        assert api(alice).get(USERS, query).status_code == 422

    def test_it_takes_as_many_queries_for_many_as_for_few(self, assign, alice, api, django_assert_num_queries):
        """The key, the token, its group quota, the members and their quotas."""
        assign(None, 100)
        client = api(alice)
        client.get(USERS)
        for number in range(20):
            assign(join("Acme", f"m{number}@example.com", "member"), 10)
            if number in {0, 19}:
                with django_assert_num_queries(5):
                    client.get(USERS)


class TestDoors:
    def test_members_may_not_look(self, lab_token, bob, api):
        assert api(bob).get(USERS).status_code == 403

    def test_strangers_find_nothing(self, lab_token, charlie, api):
        assert api(charlie).get(USERS).status_code == 404

    def test_nobody_else_comes_in(self, lab_token):
        assert APIClient().get(USERS).status_code == 401

    @pytest.mark.parametrize(("scopes", "status"), [(["read"], 200), (["run"], 403), (["manage"], 403)])
    def test_a_key_needs_the_scope_to_read(self, lab_token, alice, api, scopes, status):
        assert api(alice, scopes=scopes).get(USERS).status_code == status

    def test_there_is_none_for_personal_tokens(self, alice, api):
        upload_token(scope="personal", provider="dwave", name="lab", secret=SECRET, by=alice)
        assert api(alice).get(USERS.replace("/group/", "/personal/")).status_code == 404

    def test_a_plan_without_group_tokens_lets_nobody_use_it(self, lab_token, alice, acme, api):
        acme.plan = Plan.BASIC
        acme.save()
        answer = api(alice).get(USERS)
        assert (answer.status_code, "basic plan" in answer.json()["message"]) == (403, True)
