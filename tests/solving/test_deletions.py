"""Members and tokens go while solve jobs on them come and end: nobody waits in a circle, and the ledger stays true."""

from functools import partial
from threading import Event
from time import sleep
from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.utils import timezone

from organizations.models import Membership
from organizations.services import remove_member
from privacy.erasure import close_account
from quotas.models import TimeQuotaPolicy, Usage
from quotas.proof import prove
from quotas.services import assign_quota
from solving import queue
from solving.models import SolveJob
from solving.services import TokenWish, reserve_and_save, upload_model
from tests.conftest import join
from tests.quotas.crowd import at_once
from tokens.models import QpuToken, TokenScope
from tokens.services import delete_token

pytestmark = pytest.mark.django_db(transaction=True)

GONE = (PermissionDenied, Http404, QpuToken.DoesNotExist)  # what a job is told whose member or token went


@pytest.fixture
def people(alice, lab_token, monkeypatch):
    """Four members with a quota each beside the group's, and a QPU for which nobody has to ask D-Wave."""
    monkeypatch.setattr("solving.qpus.choose", lambda *args: SimpleNamespace(name="QPU"))
    monkeypatch.setattr("solving.qpus.most_it_can_cost", lambda *args: 10)
    people = [join("Acme", f"member{number}@example.com", "member") for number in range(4)]
    for member in (*people, None):  # jobs lock them in another order
        assign_quota(token=lab_token, member=member, quota_ns=10**12, by=alice, now=timezone.now())
    return people


def submit_job(member):
    job = SolveJob(
        model=upload_model(data=b"a model", by=member, now=timezone.now()),
        membership=member,
        organization=member.organization,
        provider="dwave",
        solver="QA",
        parameters={"qpu_backend": "default"},
        created_at=timezone.now(),
    )
    reserve_and_save(job, "ising", TokenWish(TokenScope.GROUP, "lab"), member, timezone.now())


def end_a_job(worker):
    """Whether there was one to end."""
    job = queue.take(worker, timezone.now())
    if job is None:
        return False
    queue.renew(worker, [job.pk], timezone.now())
    return queue.finish(job, SolveJob.Status.CANCELED, timezone.now())


def freshly(person):
    """The membership as a request of its own finds it."""
    return Membership.objects.select_related("user", "organization").get(pk=person.pk)


@pytest.fixture
def disturb(people):
    """disturb(acts): has everybody submit jobs and workers end them, until all the acts are done in the thick of it."""

    def run(acts):
        done, ended = Event(), []

        def act_in_the_thick_of_it():
            try:
                for act in acts:
                    goal = len(ended) + 5
                    while len(ended) < goal and not done.is_set():
                        sleep(0.005)
                    act()
            finally:
                done.set()

        def over_and_over(work):
            try:
                while not done.is_set():
                    if work():
                        ended.append(work)
                    connection.close()  # as at the end of a request
            except GONE:
                return
            except BaseException:
                done.set()  # nobody waits for who has failed
                raise

        submitting = [partial(submit_job, freshly(person)) for person in people]
        working = [partial(end_a_job, f"worker {number}") for number in range(4)]
        jobs = [partial(over_and_over, work) for work in submitting + working]
        assert at_once([act_in_the_thick_of_it, *jobs]) == [None] * (1 + len(jobs))

    return run


@pytest.fixture(autouse=True)
def ledger_is_true(transactional_db):
    yield
    assert prove()[1] == []


def test_members_are_removed(disturb, people, alice):
    disturb([partial(remove_member, membership=freshly(person), by=alice) for person in people[1:]])

    assert set(SolveJob.objects.values_list("membership", flat=True)) == {people[0].pk}


def test_accounts_are_closed(disturb, people):
    disturb([partial(close_account, user=person.user, by=None, now=timezone.now()) for person in people[1:]])

    assert set(SolveJob.objects.values_list("membership", flat=True)) == {people[0].pk}


def test_the_token_is_deleted(disturb, people, alice):
    disturb([partial(delete_token, token=QpuToken.objects.get(name="lab"), by=alice)])

    assert not TimeQuotaPolicy.objects.exists()
    while SolveJob.objects.unfinished().exists():
        end_a_job("last")
    assert not Usage.objects.open().exists()
