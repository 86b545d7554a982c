"""A worker dies by kill -9 on a hybrid job's way to D-Wave: nothing is sent or booked twice, lost, or free."""

import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from gateway.models import Problem
from quotas.models import Usage
from quotas.services import assign_quota
from solving import queue
from solving.models import SolveJob
from tests.conftest import SECRET
from tests.gateway.conftest import eventually, reconciled  # noqa: F401  a fixture
from tokens.models import QpuToken

from .conftest import GROUP, INLINE, ended, solution, submitted
from .test_qpu_jobs import ran

PATIENCE = 60
SECOND = 1_000_000_000


@contextmanager
def killed_in_the_end(endpoint):
    """A worker in a process of its own."""
    command = [sys.executable, "-m", "tests.solving.doomed", str(connection.settings_dict["NAME"]), endpoint]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment) as worker:
        try:
            yield
            assert worker.poll() is None
        finally:
            worker.kill()


@pytest.fixture
def kill_at(dwave, settings):
    """kill_at("upload", skip=2): kills a worker that waits for D-Wave's answer to such a request."""

    def kill(on, **fault):
        dwave.fault(on, "hang", **fault)
        with killed_in_the_end(settings.DWAVE_UPSTREAM_ENDPOINT):
            eventually(lambda: [each["times"] for each in dwave.faults()] == [0], PATIENCE)
            if on == "submit" and fault["when"] == "after":
                eventually(dwave.problems, PATIENCE)
        SolveJob.objects.update(lease_ends_at=timezone.now())

    return kill


@pytest.fixture
def reserved(alice, lab_token):
    """reserved(): what is reserved on the quota of the group."""
    policy = assign_quota(token=lab_token, member=None, quota_ns=SECOND, by=alice, now=timezone.now())

    def reserved_ns():
        policy.refresh_from_db()
        return policy.reserved_ns

    return reserved_ns


BEGIN, COMBINE = 0, 2  # of the three requests of an upload


@pytest.mark.parametrize(
    ("token", "skip"), [(GROUP, COMBINE), (INLINE, COMBINE), (GROUP, BEGIN)], ids=["group", "inline", "half uploaded"]
)
def test_between_upload_and_booking_another_worker_begins_anew(
    token, skip, dwave, luna, bob, lab_token, reserved, work, line, kill_at
):
    client = luna(bob)
    job = submitted(client, "LBQM", token, time_limit=3)

    kill_at("upload", skip=skip, when="after")

    assert not Problem.objects.exists()
    assert line().status == "reserved"
    work(lambda: ended(job))
    assert min(solution(client, job).obj_values) == -5
    assert dwave.ledger(SECRET)["problems"] == Problem.objects.count() == 1
    assert line().access_time_ns == ran(dwave) == 3 * SECOND // 20
    assert reserved() == 0
    assert set(QpuToken.objects.values_list("name", flat=True)) == {"lab"}, "an inline token is wiped"


def test_workers_that_all_die_there_give_the_time_back(dwave, luna, bob, reserved, line, kill_at):
    submitted(luna(bob), "LBQM", GROUP, time_limit=3)

    for _ in range(queue.MOST_ATTEMPTS):
        dwave.clear_faults()
        kill_at("upload", skip=COMBINE, when="after")
    queue.sweep(timezone.now() + timedelta(seconds=1))

    assert SolveJob.objects.get().error_message == "3 workers have ended while they ran this job."
    assert line().status == "released"
    assert reserved() == 0
    assert dwave.problems() == []


class TestAfterTheBooking:
    @pytest.fixture
    def job(self, dwave, luna, bob, lab_token):
        return submitted(luna(bob), "LBQM", GROUP, time_limit=3)

    def test_what_dwave_has_taken_is_found_and_booked_once(
        self,
        dwave,
        job,
        work,
        line,
        kill_at,
        reconciled,  # noqa: F811
    ):
        kill_at("submit", when="after")

        assert Problem.objects.get().upstream_id == ""
        reconciled()
        work(lambda: ended(job))
        assert SolveJob.objects.get().status == "DONE"
        assert dwave.ledger(SECRET)["problems"] == Usage.objects.count() == 1
        assert line().access_time_ns == ran(dwave)

    def test_what_dwave_never_got_is_given_back(
        self,
        job,
        work,
        line,
        kill_at,
        monkeypatch,
        reconciled,  # noqa: F811
    ):
        monkeypatch.setattr("gateway.reconcile.LOST_AFTER", timedelta(0))

        kill_at("submit", when="before")

        assert line().status == "reserved"
        reconciled()
        work(lambda: ended(job))
        assert SolveJob.objects.get().error_message == "D-Wave did not get the problem. Run the job again."
        assert line().status == "released"
