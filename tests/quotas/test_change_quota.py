from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.http import Http404
from rest_framework.test import APIClient

from quotas import services
from quotas.models import TimeQuotaPolicy
from quotas.policies import MAX_NS
from quotas.services import QuotaExceeded

from .conftest import LAB

pytestmark = pytest.mark.django_db

GROUP = f"{LAB}/quotas/group"
BOBS = f"{LAB}/quotas/users/bob@example.com"
START = datetime(2026, 7, 1, tzinfo=UTC)
END = START + timedelta(days=1)


@pytest.fixture
def policy(assign, history):
    policy = assign(None, 10, start=START, end=END)
    history()
    return policy


def stored(policy):
    row = TimeQuotaPolicy.objects.get(pk=policy.pk)
    return row.quota_ns, row.starts_at, row.ends_at


class TestService:
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"quota_ns": 0}, (0, START, END)),
            ({"quota_ns": MAX_NS}, (MAX_NS, START, END)),
            ({"start": START - timedelta(days=3)}, (10, START - timedelta(days=3), END)),
            ({"end": END + timedelta(days=3)}, (10, START, END + timedelta(days=3))),
            ({"quota_ns": 5, "start": END, "end": END + timedelta(days=1)}, (5, END, END + timedelta(days=1))),
        ],
    )
    def test_it_changes_what_is_given_and_leaves_the_rest(self, policy, alice, change, expected):
        services.change_quota(policy=policy, by=alice, **change)
        assert stored(policy) == expected

    def test_it_does_nothing_if_nothing_is_given(self, policy, alice, history):
        assert services.change_quota(policy=policy, by=alice) == policy
        assert history() == []

    @pytest.mark.parametrize(
        "change",
        [{"quota_ns": -1}, {"quota_ns": MAX_NS + 1}, {"start": END}, {"end": START}, {"start": END, "end": START}],
    )
    def test_it_refuses_nonsense(self, policy, alice, history, change):
        with pytest.raises(ValidationError):
            services.change_quota(policy=policy, by=alice, **change)
        assert stored(policy) == (10, START, END)
        assert history() == []

    def test_it_knows_what_others_changed_meanwhile(self, policy, alice):
        """Neither is their change undone, nor a window made that ends before it starts."""
        seen_before = TimeQuotaPolicy.objects.get(pk=policy.pk)
        services.change_quota(policy=policy, quota_ns=99, start=START - timedelta(days=9), by=alice)
        services.change_quota(policy=seen_before, end=START, by=alice)
        assert stored(policy) == (99, START - timedelta(days=9), START)

        seen_before = TimeQuotaPolicy.objects.get(pk=policy.pk)
        services.change_quota(policy=policy, end=END, start=START, by=alice)
        with pytest.raises(ValidationError, match="after the start"):
            services.change_quota(policy=seen_before, end=START, by=alice)

    def test_it_leaves_the_counters_alone(self, assign, reserve, alice, bob, now, counters):
        policy = assign(None, 100)
        usage = reserve(bob, 40)
        reserve(bob, 7)
        services.settle(usage=usage, access_time_ns=39, now=now)
        services.change_quota(policy=policy, quota_ns=60, by=alice)
        assert counters(policy) == (39, 7)

    def test_a_quota_below_what_is_taken_stops_new_jobs_only(self, assign, reserve, alice, bob, now, counters):
        policy = assign(None, 100)
        usage = reserve(bob, 40)
        services.change_quota(policy=policy, quota_ns=30, by=alice)
        with pytest.raises(QuotaExceeded):
            reserve(bob, 1)
        assert services.settle(usage=usage, access_time_ns=40, now=now)
        assert counters(policy) == (40, 0)

    def test_a_raised_quota_lets_jobs_through_again(self, assign, reserve, alice, bob):
        policy = assign(None, 0)
        with pytest.raises(QuotaExceeded):
            reserve(bob, 1)
        services.change_quota(policy=policy, quota_ns=1, by=alice)
        assert reserve(bob, 1)

    def test_one_that_was_removed_meanwhile_is_gone(self, policy, alice, history):
        services.remove_quota(policy=TimeQuotaPolicy.objects.get(pk=policy.pk), by=alice)
        history()
        with pytest.raises(Http404):
            services.change_quota(policy=policy, quota_ns=5, by=alice)
        assert history() == []

    def test_it_is_recorded(self, policy, alice, history):
        services.change_quota(policy=policy, quota_ns=5, by=alice)
        [event] = history()
        assert (event.action, event.actor, event.target) == ("quota_changed", "alice@example.com", "lab")
        assert event.details == {
            "user": "",
            "quota_ns": 5,
            "starts_at": "2026-07-01T00:00:00+00:00",
            "ends_at": "2026-07-02T00:00:00+00:00",
        }

    def test_without_its_audit_line_it_does_not_happen(self, policy, alice, broken_audit):
        with pytest.raises(OSError, match="audit log is full"):
            services.change_quota(policy=policy, quota_ns=5, by=alice)
        assert stored(policy) == (10, START, END)


class TestRestApi:
    def test_an_admin_changes_what_is_given(self, policy, alice, api):
        answer = api(alice).patch(GROUP, {"quota_ns": 5, "starts_at": None, "ends_at": "2026-08-01T00:00:00Z"})
        assert answer.status_code == 200
        assert answer.json()["quota_ns"] == 5
        assert stored(policy) == (5, START, datetime(2026, 8, 1, tzinfo=UTC))

    @pytest.mark.parametrize("body", [{}, {"quota_ns": None}, {"quota_ns": None, "starts_at": None, "ends_at": None}])
    def test_null_and_nothing_leave_it_as_it_is(self, policy, alice, api, history, body):
        assert api(alice).patch(GROUP, body).status_code == 200
        assert stored(policy) == (10, START, END)
        assert history() == []

    def test_an_admin_changes_a_members_quota(self, assign, alice, bob, api):
        policy = assign(bob, 10)
        answer = api(alice).patch(BOBS, {"quota_ns": 5})
        assert (answer.status_code, answer.json()["user"]) == (200, "bob@example.com")
        assert stored(policy)[0] == 5

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"quota_ns": -1}, "quota_ns"),
            ({"quota_ns": 2**63}, "quota_ns"),
            ({"starts_at": "soon"}, "starts_at"),
            ({"ends_at": "2026-07-01T00:00:00Z"}, "__all__"),
        ],
    )
    def test_nonsense_is_refused(self, policy, alice, api, body, field):
        answer = api(alice).patch(GROUP, body)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
        assert stored(policy) == (10, START, END)

    @pytest.mark.parametrize("body", [[1], "text", 5])
    def test_a_body_that_is_no_object_is_refused(self, policy, alice, api, body):
        assert api(alice).patch(GROUP, body).status_code == 422
        assert stored(policy) == (10, START, END)

    def test_the_counters_cannot_be_set(self, policy, alice, api, counters):
        api(alice).patch(GROUP, {"quota_ns": 5, "used_ns": 1, "reserved_ns": 1, "id": 99})
        assert counters(policy) == (0, 0)

    @pytest.mark.parametrize("path", [GROUP, BOBS])
    def test_where_no_quota_is_set_there_is_none_to_change(self, lab_token, alice, bob, api, path):
        assert api(alice).patch(path, {"quota_ns": 5}).status_code == 404

    @pytest.mark.parametrize("path", [GROUP, BOBS])
    def test_members_may_not(self, assign, policy, bob, api, path):
        own = assign(bob, 10)
        assert api(bob).patch(path, {"quota_ns": 99}).status_code == 403
        assert stored(policy)[0] == stored(own)[0] == 10

    def test_strangers_find_nothing(self, policy, charlie, api):
        assert api(charlie).patch(GROUP, {"quota_ns": 99}).status_code == 404
        assert stored(policy)[0] == 10

    def test_nobody_else_comes_in(self, policy):
        assert APIClient().patch(GROUP, {"quota_ns": 99}).status_code == 401

    def test_a_key_that_only_reads_may_not(self, policy, alice, api):
        assert api(alice, scopes=["read"]).patch(GROUP, {"quota_ns": 99}).status_code == 403

    def test_there_is_no_put(self, policy, alice, api):
        assert api(alice).put(GROUP, {"quota_ns": 99}).status_code == 405
