"""What the portal does not keep for ever, and what it keeps all the same."""

from datetime import timedelta
from threading import Event
from time import monotonic, sleep

import pytest
from django.db import connection, transaction
from django.utils import timezone

from quotas import services as quotas
from quotas.models import Usage
from solving import retention
from solving.models import SolveJob, UploadedModel
from solving.retention import forget_old
from solving.services import upload_model
from tests.conftest import solved_job
from tests.quotas.crowd import SECONDS, at_once

from .conftest import submitted, upload

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=100)


@pytest.fixture(autouse=True)
def ninety_days(settings):
    settings.SOLVING_KEEP_JOBS_DAYS = settings.SOLVING_KEEP_MODELS_DAYS = 90


def test_jobs_that_ended_long_ago_go_and_others_stay(bob):
    solved_job(bob, ended_at=LONG_AGO)
    recent = solved_job(bob, created_at=LONG_AGO, ended_at=NOW - timedelta(days=89))

    forget_old(NOW)

    assert SolveJob.objects.get() == recent


def test_what_they_cost_stays(bob, lab_token):
    usage = quotas.reserve(token=lab_token, by=bob, estimate_ns=1000, source="solve_job", now=LONG_AGO)
    quotas.settle(usage=usage, access_time_ns=900, now=LONG_AGO)
    solved_job(bob, ended_at=LONG_AGO, usage=usage)

    forget_old(NOW)

    assert Usage.objects.get().access_time_ns == 900


def test_models_that_nobody_has_used_for_long_go(luna, bob):
    upload(luna(bob))
    UploadedModel.objects.update(used_at=LONG_AGO)

    forget_old(NOW)

    assert not UploadedModel.objects.exists()


@pytest.mark.parametrize("use", [upload, submitted])
def test_uploading_or_solving_a_model_keeps_it(luna, bob, use):
    client = luna(bob)
    upload(client)
    UploadedModel.objects.update(created_at=LONG_AGO, used_at=LONG_AGO)
    use(client)

    forget_old(NOW)

    assert UploadedModel.objects.exists()


def test_a_model_stays_as_long_as_a_job_waits_for_it(luna, bob):
    submitted(luna(bob))
    UploadedModel.objects.update(used_at=LONG_AGO)

    forget_old(NOW)

    assert UploadedModel.objects.exists()


def test_a_finished_job_outlives_its_model(bob):
    job = solved_job(bob)
    UploadedModel.objects.update(used_at=LONG_AGO)

    forget_old(NOW)

    job.refresh_from_db()
    assert job.model is None


def test_zero_keeps_everything(bob, settings):
    settings.SOLVING_KEEP_JOBS_DAYS = settings.SOLVING_KEEP_MODELS_DAYS = 0
    solved_job(bob, ended_at=LONG_AGO)
    UploadedModel.objects.update(used_at=LONG_AGO)

    forget_old(NOW)

    assert (SolveJob.objects.count(), UploadedModel.objects.count()) == (1, 1)


def test_a_lot_goes_in_batches(bob, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        solved_job(bob, ended_at=LONG_AGO)
        upload_model(data=b"model %d" % number, by=bob, now=LONG_AGO)

    forget_old(NOW)

    assert (SolveJob.objects.count(), UploadedModel.objects.filter(used_at=LONG_AGO).count()) == (3, 3)


def test_a_worker_does_it(luna, bob, work):
    solved_job(bob, ended_at=LONG_AGO)

    work(lambda: not SolveJob.objects.exists())


@pytest.mark.django_db(transaction=True)
def test_jobs_are_locked_in_the_order_in_which_everybody_locks_them(bob):
    jobs = [solved_job(bob, ended_at=LONG_AGO) for _ in range(2)]
    for job in reversed(jobs):  # a table that is read whole has its rows as they were written last
        SolveJob.objects.filter(pk=job.pk).update(stage="Written again.")
    held = Event()

    def lock_one_after_the_other():
        with transaction.atomic():
            for job in jobs:
                SolveJob.objects.filter(pk=job.pk).lock()
                held.set()
                wait_until_somebody_waits()

    def clear_away():
        held.wait(SECONDS)
        read_tables_whole()
        forget_old(NOW)

    assert at_once([lock_one_after_the_other, clear_away]) == [None, None]
    assert not SolveJob.objects.exists()


def read_tables_whole():
    """As PostgreSQL may choose to, on this connection."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")


def wait_until_somebody_waits():
    """For a lock; on SQLite everybody does."""
    if connection.vendor == "sqlite":
        return
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        sleep(0.01)
    raise AssertionError("Nobody waits.")
