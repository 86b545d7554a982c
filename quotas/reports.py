"""What was used, by whom, on what and when: from the ledger by day, in a constant number of queries. Nanoseconds."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import DateField, F, Sum, TextChoices, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Greatest, Trunc
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from organizations.models import Membership

from .charts import Chart, stacked
from .models import DailyUsage, SumsQuerySet, UsageRollup
from .periods import Span, Step

MOST_SERIES = 5
MOST_SHARES = 100


class By(TextChoices):
    """What usage is broken down by."""

    MEMBER = "member", gettext_lazy("Member")
    TOKEN = "token", gettext_lazy("Token")
    SOLVER = "solver", gettext_lazy("Solver")
    DAY = "day", gettext_lazy("Day")


MEMBER = "user_email"
COLUMNS: dict[str, str] = {By.MEMBER: MEMBER, By.TOKEN: "token_name", By.SOLVER: "solver"}


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
Row = tuple[date, str | None, int, int]


@dataclass(frozen=True)
class Scope:
    """Whose usage is looked at, and which of it: `asked` has columns and what they must hold."""

    member: Membership
    is_everybodys: bool = False
    asked: Mapping[str, str] = field(default_factory=dict)

    def days(self, span: Span) -> SumsQuerySet[DailyUsage]:
        """Sums by day, user, token and solver."""
        days = DailyUsage.objects.filter(**self.asked).between(span.first, span.last)
        return days.of_organization(self.member) if self.is_everybodys else days.of_member(self.member)

    def totals(self, span: Span) -> SumsQuerySet[Any]:
        """The fewest rows that tell days, tokens and solvers apart."""
        if not self.is_everybodys or MEMBER in self.asked:
            return self.days(span)
        rollups = UsageRollup.objects.of_organization(self.member).everybodys()
        return rollups.filter(**self.asked).between(span.first, span.last)

    def of_members(self, span: Span, today: date) -> list[tuple[SumsQuerySet[Any], int]]:
        """The fewest rows that tell members apart, and whether they are added (1) or taken away (-1)."""
        months = span.by_months(today)
        if months.whole is None or not self.is_everybodys or self.asked:
            return [(self.days(span), 1)]
        rollups = UsageRollup.objects.of_organization(self.member).members()
        whole = rollups.between(months.whole.first, months.whole.last)
        return [(whole, 1), *((self.days(part), sign) for part, sign in months.days)]


def report_on(scope: Scope, span: Span, by: By, today: date, most_shares: int = MOST_SHARES) -> Report:
    """What was used in a span, broken down (three queries)."""
    totals: list[Row] = [(day, None, ns, jobs) for day, ns, jobs in sums_by_part(scope.totals(span), span)]
    total_ns, jobs = sum(row[2] for row in totals), sum(row[3] for row in totals)
    largest = largest_shares(scope, span, COLUMNS[by], today, most_shares) if by in COLUMNS else []
    top = [name for name, _ns, _jobs in largest[:MOST_SERIES]]
    rows = of_these(scope, span, COLUMNS[by], top) if top else []
    if by is By.DAY:
        largest = [(str(part), *sums_of(totals, part)) for part in reversed(span.parts)]
    shares = [Share(label_of(name), ns, count, total_ns, bool(name)) for name, ns, count in largest]
    rest_ns, rest_jobs = total_ns - sum(share.settled_ns for share in shares), jobs - sum(s.jobs for s in shares)
    others = Share(_("Others"), rest_ns, rest_jobs, total_ns) if rest_jobs else None
    return Report(span, by, total_ns, jobs, shares, others, stacked(span.parts, series_of(rows, totals, top, span)))


def sums_by_part(rows: SumsQuerySet[Any], span: Span, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of (first day of a part of the span, columns, nanoseconds, jobs)."""
    parts = rows.annotate(part=first_day(span)).values("part", *columns)
    sums = parts.annotate(sum_ns=Sum("settled_ns"), count=Sum("jobs")).order_by()
    return [(*key, int(ns), int(jobs)) for *key, ns, jobs in sums.values_list("part", *columns, "sum_ns", "count")]


def first_day(span: Span) -> Combinable:
    """In SQL, the first day of what Span.part_of() says."""
    if span.step is Step.DAY:
        return F("day")
    begin = Cast(Trunc("day", span.step.value), DateField())  # PostgreSQL makes a moment of it
    return Greatest(begin, Value(span.first))


# Django adds up no union.
LARGEST = """
    SELECT name, SUM(signed_ns) AS sum_ns, SUM(signed_jobs) FROM ({parts}) AS parts
    GROUP BY name HAVING SUM(signed_jobs) > 0 ORDER BY sum_ns DESC, name LIMIT {most}
"""


def largest_shares(scope: Scope, span: Span, column: str, today: date, most: int) -> list[tuple[str, int, int]]:
    """Rows of (name, nanoseconds, jobs), the largest first."""
    parts = scope.of_members(span, today) if column == MEMBER else [(scope.totals(span), 1)]
    signed = [
        rows.order_by()
        .annotate(name=F(column), signed_ns=F("settled_ns") * sign, signed_jobs=F("jobs") * sign)
        .values_list("name", "signed_ns", "signed_jobs")
        for rows, sign in parts
    ]
    texts, params = zip(*(rows.query.get_compiler(connection=connection).as_sql() for rows in signed), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(LARGEST.format(parts=" UNION ALL ".join(texts), most=most), [*chain(*params)])
        return [(name, int(ns), int(jobs)) for name, ns, jobs in cursor.fetchall()]


def of_these(scope: Scope, span: Span, column: str, names: list[str]) -> list[Row]:
    """Rows of (first day of a part, name, nanoseconds, jobs)."""
    rows = scope.days(span) if column == MEMBER else scope.totals(span)
    found: list[Row] = sums_by_part(rows.filter(**{f"{column}__in": names}), span, column)
    return found


def sums_of(rows: list[Row], part: Span) -> tuple[int, int]:
    inside = [row for row in rows if part.first <= row[0] <= part.last]
    return sum(row[2] for row in inside), sum(row[3] for row in inside)


def series_of(rows: list[Row], totals: list[Row], top: list[str], span: Span) -> Sums:
    """Nanoseconds by name and part of the span: one series for each of `top`, and one for the rest."""
    sums: Sums = {label_of(name): defaultdict(int) for name in top}
    rest: dict[Span, int] = defaultdict(int)
    for day, _name, settled_ns, _jobs in totals:
        rest[span.part_of(day)] += settled_ns
    for day, name, settled_ns, _jobs in rows:
        sums[label_of(name or "")][span.part_of(day)] += settled_ns
        rest[span.part_of(day)] -= settled_ns
    return sums | ({_("Others") if top else _("All jobs"): rest} if any(rest.values()) else {})


def label_of(name: str) -> str:
    return name or _("not known")
