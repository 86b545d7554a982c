"""The short form of `python -m tests.faults.crowd`; docs/faults.md tells of the long one."""

import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.tour


def test_the_ledger_is_true_under_a_crowd():
    command = [sys.executable, "-m", "tests.faults.crowd", "--clients", "12", "--problems", "10", "--ocean", "1"]

    finished = subprocess.run(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    assert finished.returncode == 0, finished.stdout
