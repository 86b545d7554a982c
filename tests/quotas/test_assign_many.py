"""The quotas of many members are set at once: all of them, or none."""

from datetime import timedelta
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.models import Event
from organizations.models import Membership
from organizations.services import remove_member
from quotas.assignments import Outlook, Wish, assign_many, plan, remove_many
from quotas.models import TimeQuotaPolicy
from quotas.policies import Window
from tests.conftest import SECRET, join
from tokens.services import upload_token

from .crowd import at_once

YEAR, DAY = timedelta(days=365), timedelta(days=1)
SECOND = 10**9


@pytest.fixture
def people(alice):
    return [join("Acme", f"member{number}@example.com", "member") for number in range(3)]


@pytest.fixture
def assign_all(lab_token, alice, now):
    """assign_all(members, quota_ns): the same for each of them."""

    def assign(members, quota_ns, at=now, **window):
        wishes = [Wish(member, quota_ns, **window) for member in members]
        return assign_many(token=lab_token, wishes=wishes, by=alice, now=at)

    return assign


def quotas():
    policies = TimeQuotaPolicy.objects.exclude(member=None).order_by("member")
    return [(policy.member.user.email, policy.quota_ns) for policy in policies]


class TestPlan:
    def test_it_says_what_would_change_for_each(self, lab_token, people, assign, now):
        same, more = assign(people[0], 10), assign(people[1], 5)

        planned = plan(lab_token, [Wish(person, 10) for person in people], now)

        assert [each.outlook for each in planned] == [Outlook.SAME, Outlook.CHANGED, Outlook.NEW]
        assert [each.policy for each in planned] == [same, more, None]
        assert TimeQuotaPolicy.objects.count() == 2

    @pytest.mark.parametrize(
        ("wish", "window"),
        [
            ({}, (-DAY, YEAR)),
            ({"end": 3 * DAY}, (-DAY, 3 * DAY)),
            ({"start": DAY}, (DAY, YEAR)),
            ({"start": DAY, "end": 2 * DAY}, (DAY, 2 * DAY)),
        ],
    )
    def test_what_is_not_said_of_a_window_stays(self, lab_token, bob, assign, now, wish, window):
        assign(bob, 5, start=now - DAY, end=now + YEAR)

        (planned,) = plan(lab_token, [Wish(bob, 5, **{name: now + value for name, value in wish.items()})], now)

        assert planned.window == Window(now + window[0], now + window[1])

    def test_a_quota_that_has_ended_begins_anew(self, lab_token, bob, assign, now):
        assign(bob, 5, start=now - 2 * DAY, end=now)

        (planned,) = plan(lab_token, [Wish(bob, 5)], now)

        assert planned.window == Window(now, now + YEAR)

    def test_it_names_the_member_whose_window_would_end_before_it_begins(self, lab_token, bob, assign, now):
        assign(bob, 5, start=now + 2 * DAY)

        with pytest.raises(ValidationError, match=r"bob@example\.com: The end must be after the start"):
            plan(lab_token, [Wish(bob, 5, end=now + DAY)], now)


class TestAssign:
    def test_each_gets_what_is_wished_and_keeps_what_was_used(self, assign_all, assign, reserve, people, counters):
        former = assign(people[1], 5)
        reserve(people[1], 3)

        assert assign_all(people, 10) == 3

        assert quotas() == [(f"member{number}@example.com", 10) for number in range(3)]
        assert counters(former) == (0, 3)

    def test_each_change_is_a_line_in_the_audit_log_and_what_stays_is_none(self, assign_all, assign, people, history):
        assign(people[0], 10)
        assign(people[1], 5)
        history()

        assert assign_all(people, 10) == 2

        new, changed = history()
        assert (new.action, new.details["user"]) == (Event.Action.QUOTA_ASSIGNED, "member2@example.com")
        assert (changed.action, changed.details["user"]) == (Event.Action.QUOTA_CHANGED, "member1@example.com")
        assert new.details["quota_ns"] == changed.details["quota_ns"] == 10
        assert (new.actor, new.target) == ("alice@example.com", "lab")

    @pytest.mark.parametrize("quota_ns", [-1, 2**63])
    def test_nonsense_changes_nothing(self, assign_all, people, history, quota_ns):
        with pytest.raises(ValidationError):
            assign_all(people, quota_ns)

        assert (quotas(), history()) == ([], [])

    def test_nothing_changes_when_the_audit_log_fails(self, assign_all, people, monkeypatch):
        monkeypatch.setattr("audit.log.line", lambda *args: 1 / 0)

        with pytest.raises(ZeroDivisionError):
            assign_all(people, 10)

        assert quotas() == []

    @pytest.mark.parametrize("odd_one", ["a stranger", "somebody twice", "somebody who has left"])
    def test_it_takes_members_only_and_each_once(self, assign_all, alice, people, charlie, odd_one):
        odd = {"a stranger": charlie, "somebody twice": people[0], "somebody who has left": people[2]}[odd_one]
        if odd is people[2]:
            remove_member(membership=Membership.objects.get(pk=odd.pk), by=alice)

        with pytest.raises(ValidationError, match="Check the list again"):
            assign_all([*people[:2], odd], 10)

        assert quotas() == []

    def test_other_tokens_take_none(self, alice, people, now):
        token = upload_token(scope="group", provider="ibm", name="ibm", secret=SECRET, by=alice)

        with pytest.raises(ValidationError, match="D-Wave group tokens only"):
            assign_many(token=token, wishes=[Wish(people[0], 10)], by=alice, now=now)

    def test_a_basic_plan_has_none(self, assign_all, alice, people):
        alice.organization.plan = "basic"

        with pytest.raises(PermissionDenied):
            assign_all(people, 10)

    def test_thousands_take_few_queries(self, assign_all, acme):
        users = User.objects.bulk_create(User(email=f"student{number}@example.com") for number in range(2000))
        members = Membership.objects.bulk_create(Membership(user=user, organization=acme) for user in users)

        with CaptureQueriesContext(connection) as new:
            assert assign_all(members, 10) == 2000
        with CaptureQueriesContext(connection) as changed:
            assert assign_all(members, 20) == 2000

        assert len(new) < 60
        assert len(changed) < 60
        assert Event.objects.with_action(Event.Action.QUOTA_CHANGED).count() == 2000


class TestRemove:
    def test_it_takes_the_limits_away_and_says_of_how_many(self, lab_token, alice, people, assign, history):
        for member in (None, *people[:2]):
            assign(member, 10)
        history()

        assert remove_many(token=lab_token, members=people[1:], by=alice) == 1

        assert quotas() == [("member0@example.com", 10)]
        assert TimeQuotaPolicy.objects.of_group().exists()
        (event,) = history()
        assert (event.action, event.details["user"]) == (Event.Action.QUOTA_REMOVED, "member1@example.com")

    def test_jobs_that_are_open_end_as_if_nothing_had_happened(self, lab_token, alice, bob, assign, reserve, counters):
        group = assign(None, 100)
        assign(bob, 50)
        reserve(bob, 10)

        remove_many(token=lab_token, members=[bob], by=alice)

        assert counters(group) == (0, 10)


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_two_admins_do_not_get_in_each_others_way(self, assign_all, people):
        results = at_once([partial(assign_all, people, quota_ns) for quota_ns in (10, 20, 30, 40)])

        assert all(isinstance(result, int) for result in results), results
        assert len({quota_ns for _, quota_ns in quotas()}) == 1
        assert len(quotas()) == 3

    def test_jobs_are_counted_while_quotas_change(self, assign_all, lab_token, alice, people, reserve):
        assign_all(people, 1000)
        jobs = [partial(reserve, person, 1) for person in people] * 5
        changes = [partial(assign_all, people, 1000 + number) for number in range(3)]

        results = at_once([*jobs, *changes])

        assert not [result for result in results if isinstance(result, Exception)]
        assert set(TimeQuotaPolicy.objects.values_list("reserved_ns", flat=True)) == {5}

    def test_members_can_be_removed_meanwhile(self, assign_all, lab_token, alice, people):
        leave = [partial(remove_member, membership=person, by=alice) for person in people[:2]]

        results = at_once([*leave, *[partial(assign_all, people, 10)] * 2])

        assert all(result is None or isinstance(result, int | ValidationError) for result in results), results
        assert Membership.objects.filter(organization=alice.organization).count() == 2
