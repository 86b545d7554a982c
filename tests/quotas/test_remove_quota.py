import pytest
from django.http import Http404
from rest_framework.test import APIClient

from quotas import services
from quotas.models import TimeQuotaPolicy, Usage
from quotas.services import QuotaExceeded

from .conftest import LAB

pytestmark = pytest.mark.django_db

GROUP = f"{LAB}/quotas/group"
BOBS = f"{LAB}/quotas/users/bob@example.com"


def policies():
    return TimeQuotaPolicy.objects.count()


@pytest.fixture
def policy(assign):
    return assign(None, 10)


class TestService:
    def test_it_takes_the_limit_away(self, assign, reserve, alice, bob):
        policy = assign(None, 0)
        with pytest.raises(QuotaExceeded):
            reserve(bob, 1)
        services.remove_quota(policy=policy, by=alice)
        assert reserve(bob, 10**12)

    def test_the_other_limits_stay(self, assign, reserve, alice, bob):
        policy, _ = assign(None, 0), assign(bob, 5)
        services.remove_quota(policy=policy, by=alice)
        with pytest.raises(QuotaExceeded, match="user quota"):
            reserve(bob, 6)

    def test_what_was_spent_stays_in_the_ledger_and_a_new_quota_begins_at_zero(
        self, assign, reserve, alice, bob, now, counters
    ):
        policy = assign(None, 100)
        services.settle(usage=reserve(bob, 60), access_time_ns=55, now=now)
        services.remove_quota(policy=policy, by=alice)
        assert Usage.objects.get().access_time_ns == 55
        assert counters(assign(None, 100)) == (0, 0)

    def test_a_job_that_began_under_it_ends_without_it(self, assign, reserve, alice, bob, now, counters):
        removed, user = assign(None, 100), assign(bob, 100)
        usage = reserve(bob, 60)
        services.remove_quota(policy=removed, by=alice)
        successor = assign(None, 100)
        assert services.settle(usage=usage, access_time_ns=55, now=now)
        assert counters(user) == (55, 0)
        assert counters(successor) == (0, 0)

    def test_it_goes_only_once(self, assign, alice, history):
        policy = assign(None, 10)
        again = TimeQuotaPolicy.objects.get(pk=policy.pk)
        services.remove_quota(policy=policy, by=alice)
        history()
        with pytest.raises(Http404):
            services.remove_quota(policy=again, by=alice)
        assert history() == []

    def test_it_is_recorded_with_what_was_set(self, assign, alice, bob, history):
        policy = assign(bob, 10)
        seen_before = TimeQuotaPolicy.objects.select_related("member__user").get(pk=policy.pk)
        services.change_quota(policy=policy, quota_ns=7, by=alice)
        history()
        services.remove_quota(policy=seen_before, by=alice)
        [event] = history()
        assert (event.action, event.actor, event.target) == ("quota_removed", "alice@example.com", "lab")
        assert event.details == {
            "user": "bob@example.com",
            "quota_ns": 7,
            "starts_at": policy.starts_at.isoformat(),
            "ends_at": policy.ends_at.isoformat(),
        }

    def test_without_its_audit_line_it_does_not_happen(self, policy, alice, broken_audit):
        with pytest.raises(OSError, match="audit log is full"):
            services.remove_quota(policy=policy, by=alice)
        assert policies() == 1


class TestRestApi:
    def test_an_admin_removes_the_groups(self, assign, alice, bob, api):
        assign(None, 10)
        own = assign(bob, 10)
        answer = api(alice).delete(GROUP)
        assert (answer.status_code, answer.content) == (204, b"")
        assert TimeQuotaPolicy.objects.get() == own

    def test_an_admin_removes_a_members(self, assign, alice, bob, api):
        groups = assign(None, 10)
        assign(bob, 10)
        assert api(alice).delete(BOBS).status_code == 204
        assert TimeQuotaPolicy.objects.get() == groups

    @pytest.mark.parametrize("path", [GROUP, BOBS])
    def test_where_no_quota_is_set_there_is_none_to_remove(self, lab_token, alice, bob, api, path):
        answer = api(alice).delete(path)
        assert (answer.status_code, answer.json()["message"]) == (404, "No quota is set here.")

    @pytest.mark.parametrize("path", [GROUP, BOBS])
    def test_members_may_not(self, assign, bob, api, path):
        assign(None, 10)
        assign(bob, 10)
        assert api(bob).delete(path).status_code == 403
        assert policies() == 2

    def test_strangers_find_nothing(self, assign, charlie, api):
        assign(None, 10)
        assert api(charlie).delete(GROUP).status_code == 404
        assert policies() == 1

    def test_nobody_else_comes_in(self, assign):
        assign(None, 10)
        assert APIClient().delete(GROUP).status_code == 401
        assert policies() == 1

    def test_a_key_that_only_reads_may_not(self, assign, alice, api):
        assign(None, 10)
        assert api(alice, scopes=["read", "run"]).delete(GROUP).status_code == 403
        assert policies() == 1
