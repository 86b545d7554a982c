import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = textwrap.dedent("""
    import multiprocessing, os, signal, sys, time
    from lunaportal.supervisor import Supervisor

    def tell(name):
        os.write(1, f"{name} {os.getpid()}\\n".encode())

    def sleep():
        tell("child")
        time.sleep(60)

    def sleep_with_child():
        multiprocessing.get_context("fork").Process(target=sleep).start()
        sleep()

    def stubborn():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleep()

    def end():
        tell("child")
        time.sleep(0.5)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    Supervisor.GRACE_SECONDS = 1
    try:
        with Supervisor({name: globals()[name] for name in sys.argv[1:]}) as supervisor:
            print("ended:", supervisor.wait(), flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
""")


@pytest.fixture
def supervise():
    """Runs targets of SCRIPT; returns the supervisor and, once all have told, the process ids of its children."""
    started = []

    def start(*targets, children):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *targets], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process, [int(process.stdout.readline().split()[1]) for _ in range(children)]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def all_end(pids):
    """Whether they end long before they would by themselves."""
    deadline = time.monotonic() + 30
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(is_running, pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_all_they_started(supervise, number):
    process, children = supervise("sleep", "sleep_with_child", children=3)

    process.send_signal(number)

    assert process.wait(30) == 0
    assert process.stdout.read() == "stopped\n"
    assert all_end(children)


def test_what_does_not_want_to_end_is_made_to(supervise):
    process, children = supervise("sleep", "stubborn", children=2)

    process.terminate()

    assert process.wait(30) == 0
    assert all_end(children)


def test_one_that_ends_is_named_and_ends_the_others(supervise):
    process, children = supervise("sleep_with_child", "end", children=3)

    assert process.wait(30) == 0
    assert process.stdout.read() == "ended: end\n"
    assert all_end(children)


def test_nothing_outlives_a_killed_supervisor(supervise):
    process, children = supervise("sleep", "sleep_with_child", children=3)

    os.kill(process.pid, signal.SIGKILL)

    assert all_end(children)


def test_nothing_outlives_a_killed_child(supervise):
    process, children = supervise("sleep_with_child", children=2)

    (leader,) = {os.getpgid(child) for child in children}
    os.kill(leader, signal.SIGKILL)

    assert process.wait(30) == 0
    assert all_end(children)
