"""Processes that count for real, each in a Python of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from monitoring import slots
from monitoring.slots import Slots

ROOT = Path(__file__).parent.parent.parent
COUNT_ON_DEMAND = """
import sys
from monitoring.metrics import count_refusals
for line in sys.stdin:
    count_refusals("group_exhausted", int(line))
    print("counted", flush=True)
"""
FORK_AND_COUNT = """
import os
from monitoring.metrics import count_refusals
count_refusals("group_exhausted", 1)
if os.fork() == 0:
    count_refusals("group_exhausted", 10)
    os._exit(0)
os.wait()
count_refusals("group_exhausted", 100)
"""


class Counting:
    """A process that counts refused jobs when it is told to."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNT_ON_DEMAND],
            cwd=ROOT,
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, jobs):
        self.process.stdin.write(f"{jobs}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "counted\n"

    def kill(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(tmp_path):
    """start(): a process that counts in the folder of this test."""
    processes = []

    def start_one():
        processes.append(Counting(tmp_path))
        return processes[-1]

    yield start_one
    for counting in processes:
        counting.kill()


def refused_jobs(folder):
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return registry.get_sample_value("luna_portal_refused_jobs_total", {"reason": "group_exhausted"})


def test_what_processes_count_adds_up(start, tmp_path):
    first, second = start(), start()

    first.count(1)
    second.count(10)
    first.count(100)

    assert refused_jobs(tmp_path) == 111


def test_nothing_is_lost_with_a_process_that_is_killed_and_no_file_is_added_for_the_next(start, tmp_path):
    first, second = start(), start()
    first.count(1)
    second.count(10)
    files = sorted(tmp_path.iterdir())

    first.kill()
    start().count(100)

    assert refused_jobs(tmp_path) == 111
    assert sorted(tmp_path.iterdir()) == files


def test_a_child_counts_on_its_own(tmp_path):
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    subprocess.run([sys.executable, "-c", FORK_AND_COUNT], cwd=ROOT, env=environment, check=True)

    assert refused_jobs(tmp_path) == 111
    assert len(list(tmp_path.glob("counter_*.db"))) == 2


def test_when_all_numbers_are_taken_it_says_so(start, tmp_path, monkeypatch):
    monkeypatch.setattr(slots, "MOST_PROCESSES", 1)
    start().count(1)

    with pytest.raises(RuntimeError, match=str(tmp_path)):
        Slots(tmp_path)()
