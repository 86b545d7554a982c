"""Jobs as workers hold them: by leases that end, and each to one end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from quotas import services as quotas
from quotas.estimates import lower_estimate
from quotas.models import TimeQuotaPolicy, Usage
from quotas.proof import prove
from solving import queue
from solving.models import MOST_ATTEMPTS, SolveJob
from solving.services import cancel_job, upload_model
from tests.conftest import SECRET
from tokens.models import QpuToken
from tokens.services import upload_inline_token

NOW = timezone.now()
LATER = NOW + queue.LEASE + timedelta(seconds=1)


@pytest.fixture
def make_job(bob):
    """make_job(): a job that waits."""

    def make(**fields):
        model = upload_model(data=b"model", by=bob, now=NOW)
        facts = {"provider": "dwave", "solver": "SA", "created_at": NOW}
        return SolveJob.objects.create(membership=bob, organization=bob.organization, model=model, **facts | fields)

    return make


def test_the_oldest_of_a_member_is_taken_first_and_once(make_job):
    first, second = make_job(), make_job()

    assert queue.take("one", NOW) == first
    assert queue.take("other", NOW) == second
    assert queue.take("one", NOW) is None


def test_it_is_held_as_long_as_the_lease_is_renewed(make_job):
    job = make_job()
    queue.take("one", NOW)

    assert queue.renew("one", [job.pk], LATER) == {job.pk: False}
    assert queue.take("other", LATER) is None
    assert queue.take("other", LATER + queue.LEASE) is None
    assert queue.take("other", LATER + queue.LEASE + timedelta(seconds=1)) == job
    assert queue.renew("one", [job.pk], LATER) == {}


def test_a_worker_hears_of_a_wish_to_cancel(make_job):
    job = make_job()
    queue.take("one", NOW)
    cancel_job(job=SolveJob.objects.get(), now=NOW)

    assert queue.renew("one", [job.pk], NOW) == {job.pk: True}


def test_only_who_holds_it_ends_it(make_job):
    make_job()
    former = queue.take("one", NOW)
    present = queue.take("other", LATER)

    assert not queue.finish(former, SolveJob.Status.DONE, LATER, result=b"old")
    assert queue.finish(present, SolveJob.Status.DONE, LATER, result=b"new")
    assert not queue.finish(present, SolveJob.Status.FAILED, LATER)
    assert bytes(SolveJob.objects.get().result) == b"new"


def test_a_worker_that_ends_in_order_leaves_its_jobs_to_others_at_once(make_job):
    job = make_job()
    queue.take("one", NOW)

    queue.let_fall("one", NOW)

    assert queue.take("other", NOW) == job
    assert SolveJob.objects.get().attempts == 1


def test_a_job_at_which_workers_die_is_given_up(make_job):
    make_job()
    for number in range(MOST_ATTEMPTS):
        assert queue.take(f"worker {number}", NOW + number * (queue.LEASE + timedelta(seconds=1)))
    end = NOW + timedelta(minutes=10)

    assert queue.take("one more", end) is None
    queue.sweep(end)

    job = SolveJob.objects.get()
    assert job.status == "FAILED"
    assert job.error_message == "3 workers have ended while they ran this job."


def test_a_job_that_got_stuck_is_ended(make_job):
    make_job(created_at=NOW - queue.LONGEST - timedelta(minutes=1))

    queue.sweep(NOW)

    assert SolveJob.objects.get().status == "FAILED"


def reserve(token, member, estimate_ns=1000):
    return quotas.reserve(token=token, by=member, estimate_ns=estimate_ns, source="solve_job", now=NOW)


def test_the_end_of_a_job_gives_back_and_wipes(make_job, bob):
    token = upload_inline_token(provider="dwave", secret=SECRET, by=bob)
    make_job(token=token, usage=reserve(token, bob))
    job = queue.take("one", NOW)

    queue.finish(job, SolveJob.Status.FAILED, NOW, error_message="no")

    assert not QpuToken.objects.exists()
    assert Usage.objects.get().status == "released"


def test_what_a_vanished_job_leaves_behind_is_cleared_away(make_job, bob):
    token = upload_inline_token(provider="dwave", secret=SECRET, by=bob)
    job = make_job(token=token, usage=reserve(token, bob))
    queue.sweep(NOW)
    assert Usage.objects.get().status == "reserved"
    job.delete()

    queue.sweep(NOW + timedelta(hours=1))

    assert not QpuToken.objects.exists()
    assert Usage.objects.get().status == "released"


class TestLowerEstimate:
    @pytest.fixture
    def usage(self, alice, bob, lab_token):
        for member in (None, bob):
            quotas.assign_quota(token=lab_token, member=member, quota_ns=5000, by=alice, now=NOW)
        return reserve(lab_token, bob)

    def test_it_frees_the_difference_for_everybody(self, usage):
        assert lower_estimate(usage=usage, estimate_ns=400)

        assert list(TimeQuotaPolicy.objects.values_list("reserved_ns", flat=True)) == [400, 400]
        assert prove()[1] == []
        quotas.settle(usage=usage, access_time_ns=390, now=NOW)
        assert list(TimeQuotaPolicy.objects.values_list("reserved_ns", "used_ns")) == [(0, 390)] * 2
        assert prove()[1] == []

    def test_it_does_nothing_to_a_closed_line(self, usage):
        quotas.release(usage=Usage.objects.get(), now=NOW)

        assert not lower_estimate(usage=usage, estimate_ns=400)
        assert prove()[1] == []

    def test_it_acts_once(self, usage):
        stale = Usage.objects.get()
        lower_estimate(usage=usage, estimate_ns=400)

        assert not lower_estimate(usage=stale, estimate_ns=300)
        assert prove()[1] == []

    @pytest.mark.parametrize("estimate_ns", [0, -1, 1001])
    def test_it_never_raises_one(self, usage, estimate_ns):
        with pytest.raises(ValueError, match="lowered"):
            lower_estimate(usage=usage, estimate_ns=estimate_ns)
