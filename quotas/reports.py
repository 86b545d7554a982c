"""What was used, by whom, on what and when: from the ledger by day, in a constant number of queries. Nanoseconds."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import Case, CharField, F, Sum, TextChoices, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .charts import Chart, stacked
from .models import DailyUsageQuerySet
from .periods import Span

MOST_SERIES = 5
MOST_SHARES = 100


class By(TextChoices):
    """What usage is broken down by."""

    MEMBER = "member", gettext_lazy("Member")
    TOKEN = "token", gettext_lazy("Token")
    SOLVER = "solver", gettext_lazy("Solver")
    DAY = "day", gettext_lazy("Day")


COLUMNS: dict[str, str] = {By.MEMBER: "user_email", By.TOKEN: "token_name", By.SOLVER: "solver"}


@dataclass(frozen=True)
class Share:
    """What one member, token, solver or day has of the total. `part_of_ns` is the total."""

    name: str
    settled_ns: int
    jobs: int
    part_of_ns: int
    is_named: bool = True

    @property
    def percent(self) -> float:
        return 100 * self.settled_ns / self.part_of_ns if self.part_of_ns else 0.0


@dataclass(frozen=True)
class Report:
    """What was used in a span: `shares` from the largest down, `others` the rest of them together."""

    span: Span
    by: By
    total_ns: int
    jobs: int
    shares: list[Share]
    others: Share | None
    chart: Chart

    @property
    def per_day_ns(self) -> int:
        return self.total_ns // self.span.days


Sums = dict[str, dict[Span, int]]


def report_on(usage: DailyUsageQuerySet, span: Span, by: By, most_shares: int = MOST_SHARES) -> Report:
    """What the rows of `usage` add up to in a span, broken down (two queries)."""
    usage = usage.between(span.first, span.last)
    largest = largest_shares(usage, COLUMNS[by], most_shares) if by in COLUMNS else []
    top = [name for name, _ns, _jobs in largest[:MOST_SERIES]]
    rows = by_day(usage, COLUMNS.get(by), top)
    total_ns, jobs = sum(row[2] for row in rows), sum(row[3] for row in rows)
    if by is By.DAY:
        largest = [(str(part), *sums_of(rows, part)) for part in reversed(span.parts)]
    shares = [Share(label_of(name), ns, count, total_ns, bool(name)) for name, ns, count in largest]
    rest_ns, rest_jobs = total_ns - sum(share.settled_ns for share in shares), jobs - sum(s.jobs for s in shares)
    others = Share(_("Others"), rest_ns, rest_jobs, total_ns) if rest_jobs else None
    return Report(span, by, total_ns, jobs, shares, others, stacked(span.parts, series_of(rows, top, span)))


Row = tuple[date, str | None, int, int]


def largest_shares(usage: DailyUsageQuerySet, column: str, most: int) -> list[tuple[str, int, int]]:
    """Rows of (name, nanoseconds, jobs), the largest first."""
    sums = usage.values(column).annotate(settled=Sum("settled_ns"), count=Sum("jobs"))
    found = sums.order_by("-settled", column).values_list(column, "settled", "count")[:most]
    return [(name, int(settled), int(count)) for name, settled, count in found]


def by_day(usage: DailyUsageQuerySet, column: str | None, top: list[str]) -> list[Row]:
    """Rows of (day, name, nanoseconds, jobs); those not in `top` are together under None."""
    nobody = Value(None, output_field=CharField())
    name = Case(When(**{f"{column}__in": top}, then=F(column)), default=nobody) if column and top else nobody
    sums = usage.annotate(name=name).values("day", "name").annotate(settled=Sum("settled_ns"), count=Sum("jobs"))
    found = sums.order_by().values_list("day", "name", "settled", "count")
    return [(day, name, int(settled), int(count)) for day, name, settled, count in found]


def sums_of(rows: list[Row], part: Span) -> tuple[int, int]:
    inside = [row for row in rows if part.first <= row[0] <= part.last]
    return sum(row[2] for row in inside), sum(row[3] for row in inside)


def series_of(rows: list[Row], top: list[str], span: Span) -> Sums:
    """Nanoseconds by name and part of the span: one series for each of `top`, and one for the rest."""
    sums: Sums = {label_of(name): defaultdict(int) for name in top}
    rest = _("Others") if top else _("All jobs")
    for day, name, settled_ns, _jobs in rows:
        label = rest if name is None else label_of(name)
        sums.setdefault(label, defaultdict(int))[span.part_of(day)] += settled_ns
    return sums


def label_of(name: str) -> str:
    return name or _("not known")
