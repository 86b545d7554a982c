"""Members take turns, and organizations do: whose job is next, and how many are before one's own."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from solving import queue
from solving.models import SolveJob
from solving.services import submit_job, upload_model
from solving.solvers import find_solver
from solving.turns import jobs_ahead

NOW = timezone.now()


@pytest.fixture
def submit_as(db):
    """submit_as(member, count): so many jobs of this member's."""

    def submit(member, count=1):
        model = upload_model(data=b"model", by=member, now=NOW)
        solver = find_solver("dwave", "SA")
        return [
            submit_job(model=model, solver=solver, parameters={}, token=None, by=member, now=NOW) for _ in range(count)
        ]

    return submit


@pytest.fixture
def take():
    """take(count): whose jobs were taken, by email."""
    moment = NOW

    def take_some(count):
        nonlocal moment
        taken = []
        for _ in range(count):
            moment += timedelta(seconds=1)
            if job := queue.take("worker", moment):
                job.membership.user.refresh_from_db()
                taken.append(job.membership.user.email.partition("@")[0])
                queue.finish(job, SolveJob.Status.FAILED, moment)
        return taken

    return take_some


def test_a_single_job_does_not_wait_for_many_of_another_member(submit_as, take, alice, bob):
    submit_as(bob, 200)
    take(50)

    submit_as(alice)

    assert take(3) == ["bob", "alice", "bob"]


def test_members_take_turns_as_long_as_both_have_jobs(submit_as, take, alice, bob):
    submit_as(bob, 5)
    submit_as(alice, 3)

    assert take(9) == ["bob", "alice", "bob", "alice", "bob", "alice", "bob", "bob"]


def test_nobody_gains_from_having_waited_with_nothing(submit_as, take, alice, bob):
    submit_as(bob, 20)
    take(10)

    submit_as(alice, 5)

    assert take(6) == ["bob", "alice"] * 3


def test_who_submits_again_and_again_does_not_keep_others_from_their_turn(submit_as, take, alice, bob):
    submit_as(bob, 10)
    submit_as(alice)
    taken = []
    for _ in range(6):
        taken += take(2)
        submit_as(alice)

    assert taken == ["bob", "alice"] * 6


def test_organizations_take_turns_whatever_their_size(submit_as, take, alice, bob, charlie):
    submit_as(alice, 5)
    submit_as(bob, 5)
    submit_as(charlie, 5)

    taken = take(10)

    assert taken == ["alice", "charlie", "bob", "charlie"] * 2 + ["alice", "charlie"]


def test_a_job_that_a_worker_let_fall_is_next(submit_as, alice, bob):
    (fallen,) = submit_as(bob)
    queue.take("killed", NOW)
    submit_as(alice, 3)

    taken = queue.take("other", NOW + queue.LEASE + timedelta(seconds=1))

    assert taken == fallen


def test_the_place_that_is_shown_is_the_place_that_one_has(submit_as, take, alice, bob, charlie):
    """Whatever has been taken before: as many jobs are taken before each as were said to be."""
    submit_as(bob, 7)
    take(2)
    submit_as(charlie, 3)
    submit_as(alice, 4)
    take(1)
    submit_as(charlie, 1)
    waiting = list(SolveJob.objects.waiting())
    said = {job.pk: jobs_ahead(job) for job in waiting}

    order = []
    for second in range(len(waiting)):
        job = queue.take("worker", NOW + timedelta(hours=1, seconds=second))
        order.append(job.pk)

    assert said == {pk: place for place, pk in enumerate(order)}


def test_taking_a_job_costs_the_same_whatever_waits(submit_as, alice, bob, charlie):
    submit_as(bob, 2)
    with CaptureQueriesContext(
        connection,
    ) as few:
        queue.take("worker", NOW)
    for member in (alice, bob, charlie):
        submit_as(member, 20)

    with CaptureQueriesContext(connection) as many:
        queue.take("worker", NOW + timedelta(seconds=1))

    assert len(many) == len(few)


def test_the_next_job_is_found_by_an_index(submit_as, bob):
    submit_as(bob)
    plan = SolveJob.objects.filter(organization=bob.organization).in_turn()[:1].explain()

    if connection.vendor == "sqlite":  # PostgreSQL reads tables as small as this one whole
        assert "solve_job_in_turn" in plan
        assert "TEMP B-TREE" not in plan


def test_jobs_of_a_closed_organization_wait_until_it_is_open_again(submit_as, take, alice, charlie):
    submit_as(alice)
    submit_as(charlie)
    alice.organization.closed_at = NOW
    alice.organization.save()

    assert take(2) == ["charlie"]

    alice.organization.closed_at = None
    alice.organization.save()
    assert take(2) == ["alice"]
