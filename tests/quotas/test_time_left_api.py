"""What is left for me on a token, what I have open, and what my last jobs cost."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from organizations.models import Plan
from quotas import services
from quotas.policies import Limit, Subject, Window, decide
from tests.conftest import join

from .conftest import LAB

pytestmark = pytest.mark.django_db

TIME_LEFT = f"{LAB}/time-left"
MINE = "/api/v1/organizations/acme/qpu-tokens/personal/mine/time-left"


class TestWhatIsLeft:
    def test_without_a_quota_there_is_no_limit(self, lab_token, bob, api):
        answer = api(bob).get(TIME_LEFT)

        assert (answer.status_code, answer.json()) == (
            200,
            {
                "left_ns": None,
                "binding": None,
                "limits": [],
                "refusals": [],
                "open": {"jobs": 0, "reserved_ns": 0},
                "last_jobs": [],
            },
        )

    @pytest.mark.parametrize(("user_ns", "binding", "left_ns"), [(50, "user", 30), (500, "group", 80)])
    def test_it_says_which_quota_binds_and_until_when(self, assign, reserve, bob, api, user_ns, binding, left_ns):
        policies = {"group": assign(None, 100), "user": assign(bob, user_ns)}
        reserve(bob, 20)

        answer = api(bob).get(TIME_LEFT).json()

        assert answer["left_ns"] == answer["binding"]["left_ns"] == left_ns
        assert answer["binding"]["subject"] == binding
        assert answer["binding"]["ends_at"] == policies[binding].ends_at.isoformat().replace("+00:00", "Z")
        assert [limit["subject"] for limit in answer["limits"]] == ["group", "user"]

    def test_a_quota_that_has_not_begun_leaves_nothing_now(self, assign, bob, now, api):
        assign(bob, 10)
        assign(None, 100, start=now + timedelta(days=1))

        answer = api(bob).get(TIME_LEFT).json()

        assert answer["left_ns"] == 0
        assert answer["binding"]["subject"] == "group"
        assert [refusal["reason"] for refusal in answer["refusals"]] == ["not_started"]

    def test_a_spent_quota_leaves_nothing(self, assign, reserve, bob, api):
        assign(None, 20)
        reserve(bob, 20)

        answer = api(bob).get(TIME_LEFT).json()

        assert (answer["left_ns"], answer["binding"]["reserved_ns"]) == (0, 20)
        assert [refusal["reason"] for refusal in answer["refusals"]] == ["exhausted"]

    def test_a_plan_without_group_tokens_is_a_403(self, lab_token, bob, acme, api):
        acme.plan = Plan.BASIC
        acme.save()

        assert api(bob).get(TIME_LEFT).status_code == 403


class TestMyJobs:
    def test_it_sums_what_is_open(self, reserve, alice, bob, now, api):
        reserve(bob, 10)
        reserve(bob, 30)
        reserve(alice, 5)
        services.release(usage=reserve(bob, 1000), now=now)

        assert api(bob).get(TIME_LEFT).json()["open"] == {"jobs": 2, "reserved_ns": 40}

    def test_it_shows_the_last_ten_that_cost_something(self, reserve, alice, bob, now, api):
        jobs = [reserve(bob, 10 + number, solver="Advantage_system6.4") for number in range(11)]
        for job in jobs:
            services.settle(usage=job, access_time_ns=7, now=now)
        services.settle(usage=reserve(alice, 5), access_time_ns=5, now=now)
        services.release(usage=reserve(bob, 1000), now=now)
        reserve(bob, 1000)

        last = api(bob).get(TIME_LEFT).json()["last_jobs"]

        assert [job["id"] for job in last] == [job.pk for job in reversed(jobs[1:])]
        assert (
            last[0]
            | {
                "estimate_ns": 20,
                "access_time_ns": 7,
                "solver": "Advantage_system6.4",
                "created_at": now.isoformat().replace("+00:00", "Z"),
            }
            == last[0]
        )

    def test_jobs_on_other_tokens_do_not_count(self, reserve, bob, bobs_token, now, api):
        services.settle(usage=reserve(bob, 10), access_time_ns=7, now=now)
        reserve(bob, 10)

        answer = api(bob).get(MINE).json()

        assert (answer["open"]["jobs"], answer["last_jobs"]) == (0, [])


class TestDoors:
    def test_strangers_find_nothing(self, lab_token, charlie, api):
        assert api(charlie).get(TIME_LEFT).status_code == 404

    def test_other_peoples_personal_tokens_are_not_there(self, bobs_token, alice, api):
        assert api(alice).get(MINE).status_code == 404

    def test_nobody_else_comes_in(self, lab_token):
        assert APIClient().get(TIME_LEFT).status_code == 401

    @pytest.mark.parametrize(("scopes", "status"), [(["read"], 200), (["run"], 403), (["manage"], 403)])
    def test_a_key_needs_the_scope_to_read(self, lab_token, bob, api, scopes, status):
        assert api(bob, scopes=scopes).get(TIME_LEFT).status_code == status


def test_it_takes_five_queries_however_many_jobs_there_are(assign, reserve, bob, now, api, django_assert_num_queries):
    """The key, the token, its policies, what is open, what has ended."""
    assign(None, 10**9)
    assign(bob, 10**9)
    for number in range(30):
        assign(join("Acme", f"member{number}@example.com", "member"), 10**9)
        services.settle(usage=reserve(bob, 10), access_time_ns=7, now=now)
        reserve(bob, 10)
    client = api(bob)
    client.get(TIME_LEFT)

    with django_assert_num_queries(5):
        client.get(TIME_LEFT)


def test_of_several_quotas_that_are_not_in_force_the_first_one_binds(now):
    hour = timedelta(hours=1)
    ended = Limit(Subject.GROUP, 100, 0, 0, Window(now - 2 * hour, now - hour))
    early = Limit(Subject.USER, 5, 0, 0, Window(now + hour, now + 2 * hour))

    assert decide([ended, early], needed_ns=1, now=now).binding is ended
