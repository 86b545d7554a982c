"""Processes that live and die together, whatever becomes of any of them."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self

PR_SET_PDEATHSIG = 1
ENDING = (signal.SIGINT, signal.SIGTERM)
FORK = multiprocessing.get_context("fork")


class Supervisor:
    """Forks one process per target; leaving the `with` block ends them all.

    Each leads a process group of its own, so that Ctrl-C in the terminal reaches the supervisor alone.
    """

    GRACE_SECONDS = 10

    def __init__(self, targets: dict[str, Callable[[], object]]) -> None:
        supervisor = os.getpid()
        self.processes = [
            FORK.Process(target=run, args=(target, supervisor), name=name) for name, target in targets.items()
        ]

    def __enter__(self) -> Self:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # a child must not be lost between its fork and its name
        try:
            for process in self.processes:
                process.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def wait(self, seconds: float | None = None) -> str | None:
        """The name of a process that has ended; None if all are still running after `seconds`."""
        ended = wait([process.sentinel for process in self.processes], seconds)
        return next((process.name for process in self.processes if process.sentinel in ended), None)

    def stop(self) -> None:
        """Ask all to end, and make them after GRACE_SECONDS. A second Ctrl-C does not get in between."""
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        started = {process.pid: process for process in self.processes if process.pid}
        for process in started.values():
            process.terminate()
        deadline = time.monotonic() + self.GRACE_SECONDS
        for group, process in started.items():
            process.join(max(0, deadline - time.monotonic()))
            kill_group(group)
            process.join()


def run(target: Callable[[], object], supervisor: int) -> None:
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    die_with_parent()
    os.register_at_fork(after_in_child=die_with_parent)
    if os.getppid() == supervisor:  # else it died before we asked to be told
        target()


def die_with_parent() -> None:
    """Have Linux send SIGTERM when the parent ends, even by kill -9; other systems know no such thing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def kill_group(leader: int) -> None:
    """End whatever a process has left behind in its group."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
