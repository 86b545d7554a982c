from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from quotas import services
from quotas.models import TimeQuotaPolicy, Usage
from quotas.proof import Mismatch, prove

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ledger_is_true():
    """Not here: these tests falsify it."""


@pytest.fixture
def group(assign):
    return assign(None, 1000)


@pytest.fixture
def user(assign, bob):
    return assign(bob, 500)


@pytest.fixture
def jobs(group, user, reserve, bob, now):
    """One open, one settled, one released."""
    jobs = [reserve(bob, 40), reserve(bob, 60), reserve(bob, 80)]
    services.settle(usage=jobs[1], access_time_ns=55, now=now)
    services.release(usage=jobs[2], now=now)
    return jobs


def check_ledger():
    out = StringIO()
    call_command("check_ledger", stdout=out)
    return out.getvalue()


def test_an_empty_ledger_is_true(db):
    assert check_ledger() == "The ledger is true. Policies proven: 0. Rows of days: 0.\n"


def test_it_proves_every_policy(jobs):
    assert check_ledger() == "The ledger is true. Policies proven: 2. Rows of days: 1.\n"


def test_it_does_not_miss_policies_without_jobs(group):
    assert check_ledger() == "The ledger is true. Policies proven: 1. Rows of days: 0.\n"
    TimeQuotaPolicy.objects.update(used_ns=1)
    assert prove() == (1, [Mismatch(group.pk, 1, 0, 0, 0)])


def test_jobs_of_policies_that_are_gone_prove_nothing(jobs, group, alice):
    services.remove_quota(policy=group, by=alice)
    assert check_ledger() == "The ledger is true. Policies proven: 1. Rows of days: 1.\n"


@pytest.mark.parametrize(
    ("counters", "reads"),
    [
        ({"used_ns": 54}, "used 54 ns, but settled jobs add up to 55 ns; reserved 40 ns, but open jobs hold 40 ns"),
        ({"reserved_ns": 0}, "used 55 ns, but settled jobs add up to 55 ns; reserved 0 ns, but open jobs hold 40 ns"),
    ],
)
def test_it_finds_a_wrong_counter(jobs, group, counters, reads):
    TimeQuotaPolicy.objects.filter(pk=group.pk).update(**counters)
    with pytest.raises(CommandError) as error:
        check_ledger()
    assert str(error.value) == f"The ledger is not true:\npolicy {group.pk}: {reads}"
    assert error.value.returncode == 1


@pytest.mark.parametrize(
    "falsify",
    [
        lambda jobs: Usage.objects.filter(pk=jobs[0].pk).delete(),
        lambda jobs: Usage.objects.filter(pk=jobs[0].pk).update(estimate_ns=41),
        lambda jobs: Usage.objects.filter(pk=jobs[1].pk).update(access_time_ns=54),
        lambda jobs: Usage.objects.filter(pk=jobs[2].pk).update(status="reserved", closed_at=None),
        lambda jobs: Usage.objects.update(group_policy_id=None, user_policy_id=None),
    ],
    ids=["a lost job", "another estimate", "another cost", "a job open again", "jobs of nobody"],
)
def test_it_finds_every_policy_whose_jobs_were_changed(jobs, group, user, falsify):
    falsify(jobs)
    assert [mismatch.policy_id for mismatch in prove()[1]] == [group.pk, user.pk]


def test_it_asks_once_so_that_both_sides_are_of_one_moment(jobs, django_assert_num_queries):
    with django_assert_num_queries(1):
        prove()
