"""Days of users added up once more, for questions about everybody. Group tokens only. Durations are nanoseconds."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, CharField, QuerySet, Sum, Value
from django.db.models.functions import TruncMonth

from .models import DailyUsage, Usage, UsageRollup

# One statement for both rows, because every settlement waits for it. Everybody's comes last: others wait for that one.
ADD = """
    INSERT INTO quotas_usagerollup (organization_id, user_email, day, token_id, token_name, solver, settled_ns, jobs)
    VALUES (%s, %s, %s, 0, '', '', %s, 1), (%s, '', %s, %s, %s, %s, %s, 1)
    ON CONFLICT (organization_id, user_email, day, token_id, token_name, solver) DO UPDATE
    SET settled_ns = quotas_usagerollup.settled_ns + excluded.settled_ns, jobs = quotas_usagerollup.jobs + 1
"""
KEY = ("organization_id", "user_email", "day", "token_id", "token_name", "solver")
NOTHING, NO_TOKEN = Value("", CharField()), Value(0, BigIntegerField())


def add(usage: Usage, booked_on: date, access_time_ns: int) -> None:
    """Count a job that is being settled, in the transaction that settles it."""
    day, month = map(connection.ops.adapt_datefield_value, (booked_on, booked_on.replace(day=1)))
    members = [usage.organization_id, usage.user_email, month, access_time_ns]
    everybodys = [usage.organization_id, day, usage.token_id, usage.token_name, usage.solver, access_time_ns]
    with connection.cursor() as cursor:
        cursor.execute(ADD, [*members, *everybodys])


Row = tuple[Any, ...]


def of_days() -> tuple[QuerySet[DailyUsage, Row], QuerySet[DailyUsage, Row]]:
    """What the rows must be, members' months and everybody's days: KEY, nanoseconds, jobs and False."""
    of_groups = DailyUsage.objects.filter(organization_id__isnull=False)
    days = of_groups.annotate(no_name=NOTHING, no_solver=NOTHING, no_token=NO_TOKEN)
    keys = (
        ("organization_id", "user_email", "month", "no_token", "no_name", "no_solver"),
        ("organization_id", "no_name", "day", "token_id", "token_name", "solver"),
    )
    months, everybodys = (
        days.annotate(month=TruncMonth("day"))
        .values(*key)
        .annotate(sum_ns=Sum("settled_ns"), count=Sum("jobs"), is_counter=Value(False))
        .order_by()
        .values_list(*key, "sum_ns", "count", "is_counter")
        for key in keys
    )
    return months, everybodys


def rebuild() -> None:
    """Write all rows anew, while nobody settles: in the transaction of daily.rebuild."""
    UsageRollup.objects.all().delete()
    for sums, day in zip(of_days(), ("month", "day"), strict=True):
        write(sums.order_by(day))  # in which they are read: so they come to lie side by side


def rebuild_members(emails: set[str]) -> None:
    """Write the months of these addresses anew, while nobody settles. Everybody's days do not tell who it was."""
    UsageRollup.objects.members().filter(user_email__in=emails).delete()
    months, _everybodys = of_days()
    write(months.filter(user_email__in=emails))


def write(sums: QuerySet[DailyUsage, Row]) -> None:
    rows = (
        UsageRollup(**dict(zip(KEY, key, strict=True)), settled_ns=int(ns), jobs=int(jobs))
        for *key, ns, jobs, _ in sums.iterator()
    )
    UsageRollup.objects.bulk_create(rows, batch_size=1000)


@dataclass(frozen=True)
class WrongRollup:
    """A row that is not what its days add up to: nanoseconds and jobs."""

    key: Row
    counted: tuple[int, int] | None
    proven: tuple[int, int] | None

    def __str__(self) -> str:
        organization_id, email, day, *_ = self.key
        return (
            f"organization {organization_id}, {email or 'everybody'}, {'month' if email else 'day'} of {day}: "
            f"{in_words(self.counted)}, but days add up to {in_words(self.proven)}"
        )


def in_words(sums: tuple[int, int] | None) -> str:
    return f"{sums[0]} ns in {sums[1]} jobs" if sums else "nothing"


def prove() -> list[WrongRollup]:
    """What is wrong; both sides are of one moment, as in quotas.proof."""
    counters = UsageRollup.objects.annotate(is_counter=Value(True))
    rows = counters.values_list(*KEY, "settled_ns", "jobs", "is_counter").union(*of_days(), all=True)
    sides: dict[bool, dict[Row, tuple[int, int]]] = {True: {}, False: {}}
    for *key, ns, jobs, side in rows:
        sides[bool(side)][tuple(key)] = (int(ns), int(jobs))
    counted, proven = sides[True], sides[False]
    wrong = sorted({key for key, _ in counted.items() ^ proven.items()}, key=str)
    return [WrongRollup(key, counted.get(key), proven.get(key)) for key in wrong]
