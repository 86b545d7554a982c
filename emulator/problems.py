"""The life of a problem, and where problems are kept."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from .errors import NO_SUCH_PROBLEM, SapiError
from .jobs import Job


class Status(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


def _now() -> datetime:
    return datetime.now(UTC)


def _done() -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class Problem:
    """A job that was accepted. `done` is resolved when the status is final; long polls wait for it."""

    job: Job
    token: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    submitted_at: datetime = field(default_factory=_now)
    status: Status = Status.PENDING
    solved_at: datetime | None = None
    error: str | None = None
    answer: dict[str, Any] | None = None
    answer_data: bytes | None = None  # what a binary-ref answer refers to
    done: "asyncio.Future[None]" = field(default_factory=_done)

    @property
    def is_open(self) -> bool:
        return not self.done.done()

    @property
    def age(self) -> float:
        """Seconds since it was submitted."""
        return (_now() - self.submitted_at).total_seconds()

    def finish(self, status: Status) -> None:
        """Enter a final status, once."""
        if self.is_open:
            self.status = status
            self.solved_at = _now()
            self.done.set_result(None)

    def fail(self, error: str) -> None:
        if self.is_open:
            self.error = error
            self.finish(Status.FAILED)

    def complete(self, answer: dict[str, Any], answer_data: bytes | None) -> None:
        self.answer, self.answer_data = answer, answer_data
        self.finish(Status.COMPLETED)

    def cancel(self) -> None:
        """Cancel what has not begun, and what runs on a hybrid solver: a QPU's run is too short to be stopped.

        SapiError says that it is too late, or may be.
        """
        if not self.is_open:
            raise SapiError(409, "Problem has been finished.")
        is_running = self.status is Status.IN_PROGRESS
        if not (is_running and self.job.solver.graph_id):
            self.finish(Status.CANCELLED)
        if is_running:
            raise SapiError(202, "Attempting to cancel problem in progress.")

    def as_status(self) -> dict[str, Any]:
        """The problem in a list, without its answer."""
        optional = {
            "label": self.job.label,
            "solved_on": _iso(self.solved_at),
            "error_message": self.error,
        }
        return {
            "id": self.id,
            "type": self.job.type,
            "solver": self.job.solver.identity,
            "status": self.status,
            "submitted_on": _iso(self.submitted_at),
        } | {name: value for name, value in optional.items() if value is not None}


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


class Problems:
    """All problems there ever were, found by their id and the token that submitted them."""

    def __init__(self) -> None:
        self._by_id: dict[str, Problem] = {}
        self._open: Counter[str] = Counter()

    def add(self, problem: Problem) -> None:
        self._by_id[problem.id] = problem
        self._open[problem.token] += 1
        problem.done.add_done_callback(lambda _: self._open.subtract([problem.token]))

    def count_open(self, token: str) -> int:
        return self._open[token]

    def get(self, problem_id: str, token: str) -> Problem:
        """A problem of this token; SapiError 404 for others."""
        problem = self._by_id.get(problem_id)
        if problem is None or problem.token != token:
            raise SapiError(404, NO_SUCH_PROBLEM)
        return problem

    def everything(self) -> Iterable[Problem]:
        return self._by_id.values()

    def of(self, token: str) -> list[Problem]:
        """All problems of this token, newest first."""
        return [problem for problem in reversed(self._by_id.values()) if problem.token == token]


async def wait_for_any(problems: list[Problem], seconds: float) -> None:
    """Return as soon as one of them is done, or when the time is over."""
    if problems and all(problem.is_open for problem in problems):
        waited_for = {problem.done for problem in problems}
        await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
