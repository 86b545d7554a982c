from datetime import UTC, datetime, timedelta

import pytest

from quotas import refusals
from quotas.models import RefusedJobs, Usage
from quotas.policies import Reason, Subject
from quotas.refusals import KEPT, Why
from quotas.services import QuotaExceeded
from tests.quotas.crowd import at_once

pytestmark = pytest.mark.django_db

REFUSALS = "/api/v1/organizations/acme/refusals"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
S = 10**9
TOO_LITTLE = Why(RefusedJobs.Reason.USER_EXHAUSTED, 5 * S, "Advantage", 2 * S)


@pytest.fixture
def refuse(lab_token):
    """refuse(member, *whys): jobs of theirs that were refused on Acme's token."""

    def count_on_lab(member, *whys, now=NOON, **options):
        options = {"token": lab_token, "source": Usage.Source.GATEWAY} | options
        refusals.count(whys or [TOO_LITTLE], by=member, now=now, **options)

    return count_on_lab


class TestCounting:
    def test_a_program_that_does_not_stop_asking_adds_no_rows(self, refuse, bob, acme, lab_token):
        refuse(bob, now=NOON)
        refuse(bob, *[TOO_LITTLE] * 212, now=NOON + timedelta(hours=1))
        refuse(bob, Why(RefusedJobs.Reason.USER_EXHAUSTED, 7 * S, "Advantage2", 1 * S), now=NOON + timedelta(hours=2))

        row = RefusedJobs.objects.get()
        assert (row.jobs, row.first_at, row.last_at) == (214, NOON, NOON + timedelta(hours=2))
        assert (row.needed_ns, row.left_ns, row.solver) == (7 * S, 1 * S, "Advantage2")
        assert (row.organization_id, row.token_id, row.user_id) == (acme.pk, lab_token.pk, bob.user_id)
        assert (row.user_email, row.token_name, row.source) == ("bob@example.com", "lab", "gateway")

    def test_people_tokens_days_and_reasons_stay_apart(self, refuse, alice, bob, bobs_token):
        refuse(bob, TOO_LITTLE, Why(RefusedJobs.Reason.SOLVER, S, "Advantage"))
        refuse(alice)
        refuse(bob, now=NOON + timedelta(hours=12))
        refuse(bob, Why(RefusedJobs.Reason.TOO_LARGE, S, "Advantage"), token=bobs_token)

        assert sorted(RefusedJobs.objects.values_list("jobs", flat=True)) == [1] * 5
        assert RefusedJobs.objects.get(reason="too_large").organization_id is None

    def test_jobs_that_are_sent_together_cost_one_statement_for_each_reason(
        self, refuse, bob, django_assert_num_queries
    ):
        with django_assert_num_queries(2):
            refuse(bob, *[TOO_LITTLE, Why(RefusedJobs.Reason.SOLVER, S, "Advantage")] * 50)

        assert RefusedJobs.objects.get(reason="solver").jobs == 50

    def test_nothing_refused_costs_nothing(self, lab_token, bob, django_assert_num_queries):
        with django_assert_num_queries(0):
            refusals.count([], token=lab_token, by=bob, source=Usage.Source.GATEWAY, now=NOON)

    def test_what_is_old_is_forgotten(self, refuse, bob):
        refuse(bob, now=NOON)
        refuse(bob, now=NOON + timedelta(days=1))

        refusals.forget_old(NOON + KEPT + timedelta(days=1))

        assert [row.day.day for row in RefusedJobs.objects.all()] == [5]


@pytest.mark.django_db(transaction=True)
def test_none_is_lost_when_many_are_refused_at_once(refuse, bob):
    assert at_once([lambda: refuse(bob)] * 16) == [None] * 16

    assert RefusedJobs.objects.get().jobs == 16


class TestWhy:
    def test_there_is_a_reason_for_everything_that_a_policy_can_say(self):
        for subject in Subject:
            for reason in Reason:
                assert RefusedJobs.Reason(f"{subject}_{reason}").label

    def test_it_is_the_first_policy_that_refuses(self, assign, reserve, alice, bob, now):
        assign(None, 2 * S)
        assign(bob, S)

        with pytest.raises(QuotaExceeded) as refused:
            reserve(bob, 5 * S)

        why = Why.of(refused.value.decision, "Advantage")
        assert why == Why(RefusedJobs.Reason.GROUP_EXHAUSTED, 5 * S, "Advantage", 2 * S)

    def test_a_quota_that_begins_later_says_when(self, assign, reserve, bob, now):
        assign(bob, S, start=now + timedelta(days=1))

        with pytest.raises(QuotaExceeded) as refused:
            reserve(bob, 1)

        assert Why.of(refused.value.decision, "").changes_at == now + timedelta(days=1)


class TestApi:
    def test_i_see_why_my_jobs_were_refused(self, refuse, bob, alice, api):
        refuse(bob, *[TOO_LITTLE] * 3)
        refuse(alice)

        (row,) = api(bob).get(REFUSALS).json()["results"]

        assert row == row | {
            "day": "2026-05-04",
            "token_name": "lab",
            "solver": "Advantage",
            "reason": "user_exhausted",
            "message": "The user quota left too little",
            "jobs": 3,
            "needed_ns": 5 * S,
            "left_ns": 2 * S,
            "changes_at": None,
        }

    def test_admins_see_everybodys_on_the_groups_tokens(self, refuse, bob, bobs_token, alice, api):
        refuse(bob)
        refuse(bob, token=bobs_token)

        rows = api(alice).get(REFUSALS, {"of": "organization"}).json()["results"]

        assert [row["token_name"] for row in rows] == ["lab"]
        assert api(bob).get(REFUSALS, {"of": "organization"}).status_code == 403

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"reason": "solver"}, ["solver"]),
            ({"since": "2026-05-05"}, ["too_large"]),
            ({"until": "2026-05-04", "user": "BOB@example.com"}, ["solver"]),
            ({"token": "other"}, []),
        ],
    )
    def test_they_can_be_narrowed_down(self, refuse, bob, api, query, found):
        refuse(bob, Why(RefusedJobs.Reason.SOLVER, S, "Advantage"))
        refuse(bob, Why(RefusedJobs.Reason.TOO_LARGE, S, "Advantage"), now=NOON + timedelta(days=1))

        assert [row["reason"] for row in api(bob).get(REFUSALS, query).json()["results"]] == found

    def test_strangers_see_nothing(self, refuse, bob, charlie, api):
        refuse(bob)

        assert api(charlie).get(REFUSALS).status_code == 404


class TestPages:
    def test_my_jobs_say_what_was_refused_how_often_and_what_changes_it(self, refuse, bob, now, browser):
        refuse(bob, *[TOO_LITTLE] * 214, now=now)
        later = Why(RefusedJobs.Reason.GROUP_NOT_STARTED, S, "Advantage", S, NOON)
        refuse(bob, later, now=now)

        page = browser(bob).get("/o/acme/jobs").content.decode()

        assert "214" in page
        assert "The user quota left too little" in page
        assert "an admin can raise it" in page
        assert "It begins on <time" in page

    def test_they_can_be_filtered_like_the_jobs(self, refuse, alice, bob, now, browser):
        refuse(bob, now=now)
        refuse(alice, now=now)
        page = browser(alice)

        def refused(query):
            return [row.user_email for row in page.get(f"/o/acme/jobs/everybody{query}").context["refused"]]

        assert sorted(refused("")) == ["alice@example.com", "bob@example.com"]
        assert refused("?member=bob@example.com") == ["bob@example.com"]
        assert refused("?token=other") == refused("?state=open") == []

    def test_what_was_refused_long_ago_is_not_shown(self, refuse, bob, now, browser):
        refuse(bob, now=now - timedelta(days=9))

        assert not browser(bob).get("/o/acme/jobs").context["refused"]

    def test_the_overview_has_the_figure_and_the_most_refused(self, refuse, alice, bob, now, browser):
        refuse(bob, *[TOO_LITTLE] * 3, now=now)
        refuse(bob, *[TOO_LITTLE] * 4, now=now - timedelta(days=1))
        refuse(alice, now=now)
        refuse(alice, now=now - timedelta(days=40))

        overview = browser(alice).get("/o/acme/overview").context["overview"]

        assert overview.refused == {"jobs": 8, "last": now}
        assert [(row.user_email, row.jobs) for row in overview.most_refused] == [
            ("bob@example.com", 7),
            ("alice@example.com", 1),
        ]
