"""The short form of `python -m tests.faults.solving`; docs/faults.md tells of the long one."""

import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.tour


def test_solve_jobs_end_and_the_ledger_is_true_when_processes_are_killed():
    # Not the workers: it takes half a minute until others take over what a dead one has held.
    what = [
        "--jobs",
        "12",
        "--users",
        "3",
        "--workers",
        "2",
        "--kills",
        "3",
        "--kill",
        "web",
        "reconciler",
        "fork server",
    ]
    command = [sys.executable, "-m", "tests.faults.solving", *what]

    finished = subprocess.run(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    assert finished.returncode == 0, finished.stdout
