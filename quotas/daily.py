"""The ledger added up by day, so that charts of a million jobs read a few thousand rows. Durations are nanoseconds.

A job counts for the day (UTC) on which it was booked, which never changes, from the moment on that it is settled.
quotas.rollups adds the days up once more.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, QuerySet, Sum, Value
from django.db.models.functions import TruncDate

from . import rollups
from .models import ArchivedUsage, DailyUsage, Usage

# What tells the rows of a day from one another: all of it is in the line of the ledger.
KEY = ("token_id", "user_id", "day", "solver", "source", "user_email", "token_name")

# One statement, because every settlement waits for it.
ADD = """
    INSERT INTO quotas_dailyusage
        (organization_id, token_id, user_id, day, solver, source, user_email, token_name, settled_ns, jobs)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 1)
    ON CONFLICT (token_id, user_id, day, solver, source, user_email, token_name) DO UPDATE
    SET settled_ns = quotas_dailyusage.settled_ns + excluded.settled_ns, jobs = quotas_dailyusage.jobs + 1
"""


def day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def add(usage: Usage, access_time_ns: int) -> None:
    """Count a job that is being settled, in the transaction that settles it."""
    who_and_what = (usage.solver, usage.source, usage.user_email, usage.token_name)
    booked_on = day_of(usage.created_at)
    day = connection.ops.adapt_datefield_value(booked_on)
    with connection.cursor() as cursor:
        cursor.execute(ADD, [usage.organization_id, usage.token_id, usage.user_id, day, *who_and_what, access_time_ns])
    if usage.organization_id is not None:
        rollups.add(usage, booked_on, access_time_ns)


def settled_by_day() -> QuerySet[Usage, dict[str, Any]]:
    """What the lines of the ledger add up to, by day."""
    days: QuerySet[Usage, dict[str, Any]] = (
        Usage.objects.filter(status=Usage.Status.SETTLED)
        .annotate(day=TruncDate("created_at", tzinfo=UTC))
        .values("organization_id", *KEY)
        .annotate(settled_ns=Sum("access_time_ns"), jobs=Count("pk"))
        .order_by("day")  # in which they are read: so they come to lie side by side
    )
    return days


def archived_by_day() -> QuerySet[ArchivedUsage, dict[str, Any]]:
    """What the lines in archives add up to, by day. The rows of DailyUsage must be the sums of both."""
    days: QuerySet[ArchivedUsage, dict[str, Any]] = ArchivedUsage.objects.values("organization_id", *KEY)
    return days.annotate(settled_ns=Sum("total_ns"), jobs=Sum("total_jobs")).order_by()


@transaction.atomic
def rebuild(user_id: int | None = None) -> int:
    """Write all rows, or those of one user, anew from the ledger; settlements wait meanwhile. Returns how many."""
    whose = {} if user_id is None else {"user_id": user_id}
    if connection.vendor == "postgresql":  # SQLite lets nobody else write anyway
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE quotas_dailyusage IN EXCLUSIVE MODE")
    rows = DailyUsage.objects.filter(**whose)
    emails = set(rows.values_list("user_email", flat=True))
    rows.delete()
    days: dict[tuple[object, ...], DailyUsage] = {}
    for row in chain(settled_by_day().filter(**whose).iterator(), archived_by_day().filter(**whose).iterator()):
        day = days.setdefault(tuple(row[name] for name in KEY), DailyUsage(**row | {"settled_ns": 0, "jobs": 0}))
        day.settled_ns += int(row["settled_ns"])
        day.jobs += int(row["jobs"])
    count = len(DailyUsage.objects.bulk_create(days.values(), batch_size=1000))
    if user_id is None:
        rollups.rebuild()
    else:
        rollups.rebuild_members(emails | {day.user_email for day in days.values()})
    return count


@dataclass(frozen=True)
class WrongDay:
    """A row that is not what its jobs in the ledger add up to."""

    key: tuple[object, ...]
    counted_ns: int
    counted_jobs: int
    proven_ns: int
    proven_jobs: int

    def __str__(self) -> str:
        token_id, user_id, day, *_ = self.key
        return (
            f"token {token_id}, user {user_id}, {day}: {self.counted_ns} ns in {self.counted_jobs} jobs, but settled "
            f"jobs add up to {self.proven_ns} ns in {self.proven_jobs}"
        )


def prove() -> tuple[int, list[WrongDay]]:
    """How many rows there are, and what is wrong; both sides are of one moment, as in quotas.proof."""
    fields = ("is_counter", *KEY, "settled_ns", "jobs")
    counters = DailyUsage.objects.annotate(is_counter=Value(True)).values_list(*fields)
    lines = settled_by_day().order_by().annotate(is_counter=Value(False)).values_list(*fields)
    archived = archived_by_day().annotate(is_counter=Value(False)).values_list(*fields)
    sides: dict[bool, dict[tuple[object, ...], tuple[int, int]]] = {
        side: defaultdict(lambda: (0, 0)) for side in (True, False)
    }
    for is_counter, *key, settled_ns, jobs in counters.union(lines, archived, all=True):
        so_far_ns, jobs_so_far = sides[bool(is_counter)][tuple(key)]
        sides[bool(is_counter)][tuple(key)] = (so_far_ns + int(settled_ns), jobs_so_far + int(jobs))
    counted, proven = sides[True], sides[False]
    wrong = {key for key in counted.keys() | proven.keys() if counted.get(key) != proven.get(key)}
    return len(counted), [WrongDay(key, *counted[key], *proven[key]) for key in sorted(wrong, key=str)]
