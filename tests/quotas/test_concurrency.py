"""Quotas hold exactly, also when everybody comes at once; and nobody gets an error of the database's."""

import math
import random
from collections import Counter
from functools import partial
from threading import Event
from time import sleep

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.http import Http404

from organizations.models import Membership
from organizations.services import remove_member
from quotas import services
from quotas.models import TimeQuotaPolicy, Usage
from quotas.proof import prove
from quotas.services import QuotaExceeded
from tests.conftest import join
from tokens.models import QpuToken
from tokens.services import delete_token

from .crowd import at_once

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 64


@pytest.fixture
def people(alice):
    """Four members."""
    return [join("Acme", f"member{number}@example.com", "member") for number in range(4)]


def unexpected(results, *expected):
    return [result for result in results if isinstance(result, Exception) and not isinstance(result, expected)]


def outcomes(results):
    """How many were let through and how many refused, if nothing else happened."""
    assert unexpected(results, QuotaExceeded) == []
    granted = sum(isinstance(result, Usage) for result in results)
    return granted, len(results) - granted


class TestReserve:
    @pytest.mark.parametrize(("quota_ns", "granted"), [(100, 10), (109, 10), (9, 0), (640, 64), (10_000, 64)])
    def test_exactly_as_many_get_through_as_fit(self, assign, reserve, bob, counters, quota_ns, granted):
        policy = assign(None, quota_ns)
        assert outcomes(at_once([partial(reserve, bob, 10)] * CROWD)) == (granted, CROWD - granted)
        assert counters(policy) == (0, 10 * granted)
        assert Usage.objects.count() == granted

    def test_the_user_limit_and_the_group_limit_hold_together(self, assign, reserve, people, counters):
        """16 jobs of each of four people: the first two have 3 each, the others as much as the group has left."""
        group = assign(None, 200)
        users = [assign(person, quota_ns) for person, quota_ns in zip(people[:2], (30, 39), strict=True)]
        calls = [partial(reserve, person, 10) for person in people] * 16
        random.shuffle(calls)
        assert outcomes(at_once(calls)) == (20, 44)
        assert counters(group) == (0, 200)
        for person, policy in zip(people[:2], users, strict=True):
            jobs = Usage.objects.filter(user_id=person.user_id).count()
            assert jobs <= 3
            assert counters(policy) == (0, 10 * jobs)

    def test_users_limits_hold_where_the_group_has_plenty(self, assign, reserve, people, counters):
        group = assign(None, 10_000)
        users = [assign(person, 55) for person in people]
        assert outcomes(at_once([partial(reserve, person, 10) for person in people] * 16)) == (20, 44)
        assert [counters(policy) for policy in users] == [(0, 50)] * 4
        assert counters(group) == (0, 200)

    def test_unequal_jobs_leave_less_than_the_smallest_refused_one(self, assign, reserve, people, counters):
        group = assign(None, 1000)
        sizes = [random.randint(1, 60) for _ in range(CROWD)]
        results = at_once([partial(reserve, people[number % 4], size) for number, size in enumerate(sizes)])
        outcomes(results)
        refused = [size for size, result in zip(sizes, results, strict=True) if isinstance(result, QuotaExceeded)]
        left = 1000 - sum(result.estimate_ns for result in results if isinstance(result, Usage))
        assert counters(group) == (0, 1000 - left)
        assert 0 <= left < min(refused, default=1001)


class TestClose:
    def test_every_job_is_settled_or_released_once_whoever_comes_first(self, assign, reserve, bob, now, counters):
        policies = assign(None, 10_000), assign(bob, 10_000)
        jobs = [reserve(bob, 10) for _ in range(16)]
        calls = [
            *(partial(services.settle, usage=job, access_time_ns=7, now=now) for job in jobs * 2),
            *(partial(services.release, usage=job, now=now) for job in jobs * 2),
        ]
        random.shuffle(calls)
        results = at_once(calls)
        assert Counter(results) == {True: 16, False: 48}
        settled = Usage.objects.filter(status="settled").count()
        assert Usage.objects.filter(status="released").count() == 16 - settled
        assert [counters(policy) for policy in policies] == [(7 * settled, 0)] * 2

    def test_jobs_come_and_go_without_waiting_in_circles(self, assign, reserve, people, now, counters):
        group = assign(None, 10_000)
        for person in people:
            assign(person, 10_000)

        def work(person):
            for _ in range(5):
                usage = reserve(person, 10)
                services.settle(usage=usage, access_time_ns=9, now=now)

        assert unexpected(at_once([partial(work, person) for person in people] * 4)) == []
        assert counters(group) == (4 * 4 * 5 * 9, 0)


class TestAdminsInTheMiddle:
    """Jobs go on while somebody changes what they are booked on, and the ledger is proven all the while."""

    @pytest.fixture
    def disturb(self, reserve, people, now):
        """disturb(acts): what goes wrong for eight threads with jobs, while all `acts` are done."""

        def run(*acts):
            workers = people * 2
            rounds = [0] * len(workers)
            done = Event()
            mismatches = []

            def some_rounds():
                """Until everybody has begun and ended a few jobs, or has given up."""
                goals = [before + 3 for before in rounds]
                while any(count < goal for count, goal in zip(rounds, goals, strict=True)):
                    sleep(0.005)

            def act_in_the_thick_of_it():
                try:
                    some_rounds()
                    for act in acts:
                        act()
                    some_rounds()
                finally:
                    done.set()

            def prove_all_the_while():
                while not done.is_set():
                    mismatches.extend(prove()[1])
                    connection.close()

            def one_job(token, member):
                try:
                    usage = reserve(member, 10, token=token)
                except QuotaExceeded:
                    return
                if random.random() < 0.7:
                    services.settle(usage=usage, access_time_ns=random.randint(0, 20), now=now)
                else:
                    services.release(usage=usage, now=now)

            def work(number):
                # Rows of one's own, as every request reads them: some acts take them away.
                token = QpuToken.objects.get(name="lab")
                member = Membership.objects.select_related("user", "organization").get(pk=workers[number].pk)
                try:
                    while not done.is_set():
                        one_job(token, member)
                        connection.close()  # as at the end of a request
                        rounds[number] += 1
                finally:
                    rounds[number] = math.inf

            jobs = [partial(work, number) for number in range(len(workers))]
            results = at_once([act_in_the_thick_of_it, prove_all_the_while, *jobs])
            assert unexpected(results[:2]) == []
            assert mismatches == []
            return [result for result in results[2:] if result is not None]

        return run

    def test_quotas_come_change_and_go(self, assign, disturb, alice, people):
        group = assign(None, 10_000)

        def another_round():
            user = assign(people[0], 1_000)
            services.change_quota(policy=group, quota_ns=random.randint(0, 10_000), by=alice)
            services.change_quota(policy=user, quota_ns=random.randint(0, 2_000), by=alice)
            services.remove_quota(policy=user, by=alice)

        assert disturb(*[another_round] * 10) == []
        assert TimeQuotaPolicy.objects.get() == group

    def test_members_leave(self, assign, disturb, alice, people):
        assign(None, 100_000)
        for person in people:
            assign(person, 100_000)
        leaving = people[0].user_id

        refused = disturb(partial(remove_member, membership=Membership.objects.get(pk=people[0].pk), by=alice))
        assert unexpected(refused, PermissionDenied) == []
        assert len(refused) == 2
        assert not Usage.objects.open().filter(user_id=leaving).exists()

    @pytest.mark.parametrize("group_first", [True, False])
    def test_the_token_goes(self, assign, disturb, alice, people, group_first):
        """Its policies are many rows: jobs must not wait in a circle for them, in whatever order they are stored."""
        for whom in [None, *people] if group_first else [*people, None]:
            assign(whom, 1_000_000)
        refused = disturb(partial(delete_token, token=QpuToken.objects.get(name="lab"), by=alice))
        assert unexpected(refused, PermissionDenied) == []
        assert len(refused) == 8
        assert not TimeQuotaPolicy.objects.exists()


class TestAdminsAtOnce:
    def test_only_one_assigns(self, assign, bob):
        for member in (None, bob):
            results = at_once([partial(assign, member, 10)] * 8)
            assert unexpected(results, ValidationError) == []
            assert sum(isinstance(result, TimeQuotaPolicy) for result in results) == 1

    def test_only_one_removes(self, assign, alice):
        pk = assign(None, 10).pk
        copies = [TimeQuotaPolicy.objects.select_related("token").get(pk=pk) for _ in range(8)]
        results = at_once([partial(services.remove_quota, policy=copy, by=alice) for copy in copies])
        assert unexpected(results, Http404) == []
        assert results.count(None) == 1

    def test_a_quota_for_a_token_or_a_member_that_is_about_to_go(self, assign, alice, people, lab_token):
        """Either the quota comes first and goes with them, or there is nothing to set it on."""
        tokens = [QpuToken.objects.select_related("organization").get(pk=lab_token.pk) for _ in range(6)]
        leaving = Membership.objects.select_related("organization", "user").get(pk=people[0].pk)
        results = at_once(
            [
                partial(delete_token, token=tokens[0], by=alice),
                partial(remove_member, membership=leaving, by=alice),
                *(partial(assign, person, 10, token=token) for person, token in zip(people, tokens[1:], strict=False)),
                partial(assign, None, 10, token=tokens[5]),
            ]
        )
        assert unexpected(results, Http404, ValidationError) == []
        assert results[:2] == [None, None]
        assert not TimeQuotaPolicy.objects.exists()
