"""The life of a job as steps that a page draws: waiting, running, ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .models import SolveJob

Status = SolveJob.Status


@dataclass(frozen=True)
class Step:
    """A state of a job: since when it has been in it, and for how long (ns); None is what is not known yet."""

    status: Status
    at: datetime | None = None
    lasted_ns: int | None = None

    @property
    def is_current(self) -> bool:
        """The job is in this state now, and will leave it."""
        return self.at is not None and self.lasted_ns is None and self.status in {Status.REQUESTED, Status.IN_PROGRESS}


def steps_of(job: SolveJob) -> list[Step]:
    """All that a job has gone through, and what is before it; one that was cancelled while it waited never ran."""
    steps = [Step(Status.REQUESTED, job.created_at, between(job.created_at, job.started_at or job.ended_at))]
    if job.started_at or not job.ended_at:
        steps.append(Step(Status.IN_PROGRESS, job.started_at, between(job.started_at, job.ended_at)))
    end = Status(job.status) if job.is_finished else Status.DONE
    return [*steps, Step(end, job.ended_at)]


def between(start: datetime | None, end: datetime | None) -> int | None:
    """Nanoseconds from one moment to another."""
    if start is None or end is None:
        return None
    return (end - start) // timedelta(microseconds=1) * 1000
