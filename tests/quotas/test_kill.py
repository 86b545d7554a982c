"""The ledger is true whenever a process dies, at whatever point of its work."""

import os
import random
import signal
import subprocess
import sys
from time import monotonic, sleep

import pytest
from django.conf import settings
from django.db import connection

from quotas import services
from quotas.models import Usage
from quotas.proof import prove

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 20


@pytest.fixture
def start_jobs():
    """start_jobs(): the id of a new process that is full of jobs."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.quotas.busy", str(connection.settings_dict["NAME"])],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as nursery:

        def start():
            print(file=nursery.stdin, flush=True)
            return int(nursery.stdout.readline())

        yield start
        nursery.stdin.close()


def wait_until(condition, seconds=30):
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline
        sleep(0.005)


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_ledger_is_true_after_every_kill(assign, bob, start_jobs, now, counters):
    policies = assign(None, 10**9), assign(bob, 10**9)
    for _ in range(KILLS):
        jobs = Usage.objects.count()
        pid = start_jobs()
        try:
            wait_until(lambda jobs=jobs: Usage.objects.count() > jobs + 5)
            sleep(random.uniform(0, 0.05))
        finally:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: is_gone(pid))
        assert prove() == (2, [])

    killed = list(Usage.objects.open())
    assert killed, "no kill hit a job between its beginning and its end"
    for usage in killed:
        assert services.release(usage=usage, now=now)
    assert [counters(policy)[1] for policy in policies] == [0, 0]
