"""What an operator wants to know of the database: what waits, for how long, and who is alive.

Prometheus asks every few seconds and `manage.py doctor` now and then, so every question is answered from an index, in
the time of what is open and not of what there ever was.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, QuerySet, Sum
from django_q.models import Failure, OrmQ, Schedule

from gateway.models import Problem
from monitoring.models import Heartbeat
from quotas.models import Usage
from solving.models import SolveJob
from tokens.models import RetiredSecret

NOTHING = timedelta(0)


@dataclass(frozen=True)
class Backlog:
    """How many there are, and for how long the oldest of them has been there."""

    count: int
    age: timedelta

    @classmethod
    def of(cls, rows: QuerySet, since: str, now: datetime) -> "Backlog":
        found = rows.order_by().aggregate(count=Count("pk"), oldest=Min(since))
        return cls(found["count"], age_of(found["oldest"], now))


def age_of(moment: datetime | None, now: datetime) -> timedelta:
    """How long ago that was; nothing for what never was, or is yet to come."""
    return max(NOTHING, now - moment) if moment else NOTHING


def open_reservations(now: datetime) -> dict[Usage.Source, tuple[Backlog, int]]:
    """Jobs whose end the ledger waits for, and the nanoseconds that they hold, by the way they came in."""
    sums = Usage.objects.open().order_by().values("source")
    found = sums.annotate(count=Count("pk"), oldest=Min("created_at"), held_ns=Sum("estimate_ns"))
    by_source = {row["source"]: row for row in found}
    return {
        source: (Backlog(row["count"], age_of(row["oldest"], now)), int(row["held_ns"]))
        if (row := by_source.get(source))
        else (Backlog(0, NOTHING), 0)
        for source in Usage.Source
    }


def problems_not_heard_of(now: datetime) -> Backlog:
    """Open problems at D-Wave; the age is the time since anybody heard of the one that is most forgotten."""
    return Backlog.of(Problem.objects.unsettled(), "seen_at", now)


def submissions_in_doubt(now: datetime) -> Backlog:
    """Open problems of which it is not known yet whether D-Wave has taken them."""
    return Backlog.of(Problem.objects.unsettled().filter(upstream_id=""), "booked_at", now)


def solve_jobs_waiting(now: datetime) -> Backlog:
    return Backlog.of(SolveJob.objects.waiting(), "created_at", now)


def solve_jobs_running(now: datetime) -> Backlog:
    return Backlog.of(SolveJob.objects.running(), "started_at", now)


def tasks_queued(now: datetime) -> Backlog:
    """Mails and other tasks of the worker. What somebody works on is dated later than now, and so has no age."""
    return Backlog.of(OrmQ.objects.all(), "lock", now)


def tasks_failed() -> int:
    return int(Failure.objects.count())


def schedules_overdue(now: datetime) -> Backlog:
    return Backlog.of(Schedule.objects.filter(next_run__lt=now), "next_run", now)


def retired_secrets(now: datetime) -> Backlog:
    """Former secrets that are kept for the jobs they have sent."""
    return Backlog.of(RetiredSecret.objects.all(), "retired_at", now)


def silences(now: datetime) -> dict[Heartbeat.Process, timedelta | None]:
    """For how long nothing was heard of each kind of process; None if never anything was."""
    seen = dict(Heartbeat.objects.values_list("process", "seen_at"))
    return {process: age_of(seen[process], now) if process in seen else None for process in Heartbeat.Process}
