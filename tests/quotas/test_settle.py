from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from organizations.services import remove_member
from quotas import services
from quotas.models import Usage
from quotas.policies import MAX_NS
from quotas.services import QuotaExceeded
from tokens.models import QpuToken
from tokens.services import delete_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def policies(assign, bob):
    return assign(None, 100), assign(bob, 50)


@pytest.fixture
def usage(policies, reserve, bob):
    return reserve(bob, 40)


class TestSettle:
    @pytest.mark.parametrize("access_time_ns", [0, 1, 39, 40, 41, 1000])
    def test_what_it_cost_takes_the_place_of_the_estimate(self, usage, policies, counters, now, access_time_ns):
        assert services.settle(usage=usage, access_time_ns=access_time_ns, now=now)
        assert [counters(policy) for policy in policies] == [(access_time_ns, 0)] * 2
        usage.refresh_from_db()
        assert (usage.status, usage.access_time_ns, usage.estimate_ns, usage.closed_at) == (
            "settled",
            access_time_ns,
            40,
            now,
        )

    def test_only_the_first_one_counts(self, usage, policies, counters, now):
        assert services.settle(usage=usage, access_time_ns=30, now=now)
        assert not services.settle(usage=usage, access_time_ns=35, now=now + timedelta(seconds=1))
        assert not services.release(usage=usage, now=now)
        assert [counters(policy) for policy in policies] == [(30, 0)] * 2
        assert Usage.objects.get().access_time_ns == 30

    def test_a_line_that_was_read_before_does_no_harm(self, usage, policies, counters, now):
        seen_before = Usage.objects.get()
        services.settle(usage=usage, access_time_ns=30, now=now)
        assert not services.settle(usage=seen_before, access_time_ns=30, now=now)
        assert [counters(policy) for policy in policies] == [(30, 0)] * 2

    def test_used_exceeds_the_quota_only_by_what_jobs_cost_above_their_estimate(
        self, assign, reserve, bob, now, counters
    ):
        policy = assign(None, 100)
        first, second = reserve(bob, 60), reserve(bob, 40)
        services.settle(usage=first, access_time_ns=65, now=now)
        services.settle(usage=second, access_time_ns=47, now=now)
        assert counters(policy) == (100 + 5 + 7, 0)
        with pytest.raises(QuotaExceeded):
            reserve(bob, 1)

    def test_what_a_job_did_not_need_is_there_for_the_next(self, assign, reserve, bob, now):
        assign(None, 100)
        services.settle(usage=reserve(bob, 100), access_time_ns=1, now=now)
        assert reserve(bob, 99)

    def test_it_counts_after_the_end_of_the_window_too(self, usage, policies, counters, now):
        assert services.settle(usage=usage, access_time_ns=30, now=now + timedelta(days=1000))
        assert counters(policies[0]) == (30, 0)

    def test_jobs_without_limits_are_settled_in_the_ledger(self, reserve, bob, bobs_token, now):
        usage = reserve(bob, 40, token=bobs_token)
        assert services.settle(usage=usage, access_time_ns=30, now=now)
        assert Usage.objects.get().access_time_ns == 30

    def test_a_member_who_left_still_spends_the_groups(self, usage, policies, counters, alice, bob, now):
        remove_member(membership=bob, by=alice)
        assert services.settle(usage=usage, access_time_ns=30, now=now)
        assert counters(policies[0]) == (30, 0)

    def test_a_deleted_token_takes_its_policies_along(self, usage, lab_token, alice, now):
        delete_token(token=QpuToken.objects.get(pk=lab_token.pk), by=alice)
        assert services.settle(usage=usage, access_time_ns=30, now=now)
        assert Usage.objects.get().access_time_ns == 30

    @pytest.mark.parametrize("access_time_ns", [-1, MAX_NS + 1])
    def test_it_refuses_nonsense(self, usage, policies, counters, now, access_time_ns):
        with pytest.raises(ValidationError, match="A job takes"):
            services.settle(usage=usage, access_time_ns=access_time_ns, now=now)
        assert counters(policies[0]) == (0, 40)

    def test_what_cannot_be_counted_is_refused_whole(self, assign, reserve, bob, now, counters):
        policy = assign(None, 100)
        services.settle(usage=reserve(bob, 1), access_time_ns=50, now=now)
        usage = reserve(bob, 40)
        with pytest.raises(DatabaseError), transaction.atomic():
            services.settle(usage=usage, access_time_ns=MAX_NS, now=now)
        assert counters(policy) == (50, 40)
        assert Usage.objects.open().get() == usage


class TestRelease:
    def test_it_gives_back_what_was_reserved(self, usage, policies, counters, now):
        assert services.release(usage=usage, now=now)
        assert [counters(policy) for policy in policies] == [(0, 0)] * 2
        usage.refresh_from_db()
        assert (usage.status, usage.access_time_ns, usage.closed_at) == ("released", None, now)

    def test_it_gives_back_only_once(self, usage, policies, reserve, bob, counters, now):
        reserve(bob, 7)
        assert services.release(usage=usage, now=now)
        assert not services.release(usage=usage, now=now)
        assert not services.settle(usage=usage, access_time_ns=30, now=now)
        assert [counters(policy) for policy in policies] == [(0, 7)] * 2
        assert Usage.objects.get(pk=usage.pk).status == "released"

    def test_what_was_given_back_can_be_had_again(self, usage, reserve, bob, now):
        with pytest.raises(QuotaExceeded, match="Open jobs may give back some"):
            reserve(bob, 50)
        services.release(usage=usage, now=now)
        assert reserve(bob, 50)


class TestReopen:
    def test_it_books_the_estimate_again(self, usage, policies, counters, now):
        services.release(usage=usage, now=now)

        assert services.reopen(usage=usage)

        assert [counters(policy) for policy in policies] == [(0, 40)] * 2
        assert Usage.objects.open().get() == usage

    def test_what_is_open_again_can_be_settled(self, usage, policies, counters, now):
        services.release(usage=usage, now=now)
        services.reopen(usage=usage)

        assert services.settle(usage=usage, access_time_ns=30, now=now)

        assert [counters(policy) for policy in policies] == [(30, 0)] * 2

    def test_it_needs_no_room(self, usage, policies, reserve, bob, counters, now):
        services.release(usage=usage, now=now)
        reserve(bob, 50)

        assert services.reopen(usage=usage)

        assert counters(policies[1]) == (0, 90)

    @pytest.mark.parametrize("closed", [False, True])
    def test_what_was_not_released_stays_as_it_is(self, usage, policies, counters, now, closed):
        if closed:
            services.settle(usage=usage, access_time_ns=30, now=now)
        before = [counters(policy) for policy in policies]

        assert not services.reopen(usage=usage)

        assert [counters(policy) for policy in policies] == before

    def test_it_happens_once(self, usage, policies, counters, now):
        services.release(usage=usage, now=now)

        assert services.reopen(usage=usage)
        assert not services.reopen(usage=usage)

        assert counters(policies[0]) == (0, 40)


class TestQueries:
    """Two savepoints, the line, and one for each policy that it was booked on."""

    def test_settling_takes_seven(self, usage, now, django_assert_num_queries):
        with django_assert_num_queries(7):
            services.settle(usage=usage, access_time_ns=30, now=now)

    def test_releasing_takes_five(self, usage, now, django_assert_num_queries):
        with django_assert_num_queries(5):
            services.release(usage=usage, now=now)

    def test_doing_it_again_takes_three(self, usage, now, django_assert_num_queries):
        services.release(usage=usage, now=now)
        with django_assert_num_queries(3):
            services.settle(usage=usage, access_time_ns=30, now=now)
