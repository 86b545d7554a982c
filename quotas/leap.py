"""A usage report that D-Wave Leap has exported, read and laid beside the ledger, day by day. Nothing is stored.

D-Wave does not publish the headings of its reports, so columns are found by the words that such headings may have, and
can be named by hand. A report that cannot be understood for certain is refused as a whole.
"""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from .models import Usage
from .units import UNITS

# What a column may be called, in lower case, without signs and without its unit.
SYNONYMS = {
    "date": ("date", "day", "period", "time period", "usage date"),
    "time": (
        "access time",
        "charge time",
        "charged time",
        "qpu access time",
        "solver access time",
        "solver time",
        "solver usage",
        "total access time",
        "total solver access time",
        "usage",
        "usage time",
    ),
    "jobs": (
        "jobs",
        "number of jobs",
        "number of problems",
        "number of submitted problems",
        "problem count",
        "problems",
        "problems count",
        "problems submitted",
        "submitted problems",
    ),
    "solver": ("solver", "solver name"),
}
REQUIRED = ("date", "time")
NS = {"ns": 1, **dict(UNITS)}
UNIT_WORDS = {
    "ns": ("ns", "nanoseconds"),
    "µs": ("µs", "us", "microseconds"),
    "ms": ("ms", "milliseconds"),
    "s": ("s", "sec", "secs", "seconds"),
    "min": ("min", "mins", "minutes"),
    "h": ("h", "hr", "hrs", "hours"),
}
NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?(e[+-]?[0-9]{1,2})?", re.IGNORECASE)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?")  # Python would take weeks and months for days


class UnreadableReport(Exception):
    """The report cannot be understood for certain; the message says where, and which option helps."""


# --- What a report says -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What the user says of a report because its headings do not: columns by what they hold, unit, form of dates."""

    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    date_format: str | None = None


@dataclass(frozen=True)
class Row:
    """One line of a report."""

    day: date
    time_ns: int
    step_ns: int  # the worth of the last digit, at least 1
    jobs: int | None
    solver: str | None


def read_report(raw: bytes, reading: Reading) -> list[Row]:
    """All rows of a CSV file, or UnreadableReport."""
    text = decode(raw)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    try:
        headings = [heading.strip() for heading in next(filled(lines), [])]
        if not headings:
            raise UnreadableReport("The file is empty.")
        columns = find_columns(headings, reading.columns)
        layout = Layout(headings, columns, reading, decimal_comma=lines.dialect.delimiter == ";")
        return [layout.read(cells, lines.line_num) for cells in filled(lines)]
    except csv.Error as error:
        raise UnreadableReport(f"Line {lines.line_num}: this is no CSV ({error}).") from None


def decode(raw: bytes) -> str:
    if raw.startswith(b"PK"):
        raise UnreadableReport("This is an Excel file. Choose CSV as the format when you export the report.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableReport(f"Line {line}: this is not UTF-8. Save the file as “CSV UTF-8”.") from None


def delimiter_of(text: str) -> str:
    """What separates cells: comma, semicolon or tab, whichever the line of headings has most of."""
    headings = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=headings.count)


def filled(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    return (cells for cells in lines if any(map(str.strip, cells)))


def find_columns(headings: Sequence[str], named: Mapping[str, str]) -> dict[str, int]:
    """Where dates, times and so on stand, by what they are; for each one column, or none if it is not required."""
    found = "Columns found: " + ", ".join(f"“{heading}”" for heading in headings) + "."
    columns = {}
    for kind in SYNONYMS:
        places = [place for place, heading in enumerate(headings) if is_column(heading, kind, named.get(kind))]
        if len(places) > 1:
            raise UnreadableReport(f"Several columns may be the {kind}. {found} Say which with --{kind}-column.")
        if not places and (kind in REQUIRED or kind in named):
            raise UnreadableReport(f"No column is known to be the {kind}. {found} Say which with --{kind}-column.")
        if places:
            columns[kind] = places[0]
    return columns


def is_column(heading: str, kind: str, name: str | None) -> bool:
    if name is not None:
        return heading.casefold() == name.strip().casefold()
    return heading_and_unit(heading)[0] in SYNONYMS[kind]


def heading_and_unit(heading: str) -> tuple[str, str | None]:
    """Words of a heading, and the unit at its end: "Solver-Access Time (Seconds)" -> "solver access time", "s"."""
    words = re.findall(r"\w+", heading.casefold().replace("_", " ").replace("\N{GREEK SMALL LETTER MU}", "µ"))
    if words[-1:] == ["utc"]:
        words.pop()
    unit = next((unit for unit, names in UNIT_WORDS.items() if words[1:] and words[-1] in names), None)
    words = words[:-1] if unit else words
    return " ".join(words[:-1] if words[-1:] == ["in"] else words), unit


class Layout:
    """How to read the rows of one report."""

    def __init__(
        self, headings: Sequence[str], columns: Mapping[str, int], reading: Reading, *, decimal_comma: bool
    ) -> None:
        self.width = len(headings)
        self.columns = columns
        self.date_format = reading.date_format
        self.decimal_comma = decimal_comma
        heading = headings[columns["time"]]
        unit = reading.unit or heading_and_unit(heading)[1]
        if unit is None:
            raise UnreadableReport(f"The column “{heading}” does not say in which unit it is. Say so with --unit.")
        self.unit_ns = NS[unit]

    def read(self, cells: Sequence[str], line: int) -> Row:
        if len(cells) != self.width:
            raise UnreadableReport(f"Line {line}: has {len(cells)} cells, but there are {self.width} headings.")
        said = {kind: unicodedata.normalize("NFC", cells[place].strip()) for kind, place in self.columns.items()}
        try:
            day, number = self.day(said["date"]), self.number(said["time"])
            jobs = self.count(said["jobs"]) if "jobs" in said else None
        except UnreadableReport as error:
            raise UnreadableReport(f"Line {line}: {error}") from None
        last_digit = Decimal((0, (1,), min(0, int(number.as_tuple().exponent))))
        return Row(
            day=day,
            time_ns=round(number * self.unit_ns),
            step_ns=int((last_digit * self.unit_ns).to_integral_value(ROUND_CEILING)),
            jobs=jobs,
            solver=said.get("solver"),
        )

    def number(self, text: str) -> Decimal:
        plain = text.replace(",", ".") if self.decimal_comma and "." not in text else text
        if not NUMBER.fullmatch(plain):
            raise UnreadableReport(f"“{text}” is no amount of time: a number, without separators of thousands.")
        return Decimal(plain)

    def count(self, text: str) -> int:
        if not re.fullmatch("[0-9]{1,18}", text):
            raise UnreadableReport(f"“{text}” is no number of jobs.")
        return int(text)

    def day(self, text: str) -> date:
        try:
            moment = self.moment(text)
        except ValueError:
            hint = "Export the report with the aggregate time scale “Daily”, or say how dates look with --date-format."
            raise UnreadableReport(f"“{text}” is not a day. {hint}") from None
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()

    def moment(self, text: str) -> datetime:
        if self.date_format:
            return datetime.strptime(text, self.date_format)  # noqa: DTZ007, as Leap's days are UTC
        if not DAY.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text)


# --- What the ledger says ---------------------------------------------------------------------------------------------


def on_days(jobs: QuerySet[Usage], first: date, last: date) -> QuerySet[Usage]:
    """Jobs that were booked from the first to the last day, both included, in UTC."""
    start, end = (datetime.combine(day, time.min, UTC) for day in (first, last + timedelta(days=1)))
    return jobs.filter(created_at__gte=start, created_at__lt=end)


def per_day(jobs: QuerySet[Usage]) -> dict[date, dict[str, int]]:
    """By day (UTC) what settled jobs cost, how many they are, and how many are still open. One query."""
    sums = (
        jobs.exclude(status=Usage.Status.RELEASED)
        .values(day=TruncDate("created_at", tzinfo=UTC))
        .annotate(
            time_ns=Sum("access_time_ns", default=0),
            settled=Count("pk", filter=Q(status=Usage.Status.SETTLED)),
            still_open=Count("pk", filter=Q(status=Usage.Status.RESERVED)),
        )
        .values_list("day", "time_ns", "settled", "still_open")
    )
    return {
        day: {"portal_ns": int(time_ns), "portal_jobs": settled, "open_jobs": still_open}
        for day, time_ns, settled, still_open in sums
    }


# --- Both -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drift:
    """What Leap and the ledger say of the same time. `leap_jobs` is None where the report does not tell."""

    leap_ns: int = 0
    portal_ns: int = 0
    rounding_ns: int = 0
    leap_jobs: int | None = None
    portal_jobs: int = 0
    open_jobs: int = 0

    @property
    def difference_ns(self) -> int:
        """What the ledger has more than Leap."""
        return self.portal_ns - self.leap_ns

    def is_within(self, tolerance_percent: Decimal) -> bool:
        """Whether the sides agree, but for the report's rounding and so many percent of the larger."""
        return abs(self.difference_ns) <= self.rounding_ns + max(self.leap_ns, self.portal_ns) * tolerance_percent / 100

    def __add__(self, other: "Drift") -> "Drift":
        return Drift(
            self.leap_ns + other.leap_ns,
            self.portal_ns + other.portal_ns,
            self.rounding_ns + other.rounding_ns,
            None if self.leap_jobs is other.leap_jobs is None else (self.leap_jobs or 0) + (other.leap_jobs or 0),
            self.portal_jobs + other.portal_jobs,
            self.open_jobs + other.open_jobs,
        )


def compare(rows: Sequence[Row], booked: Mapping[date, Mapping[str, int]]) -> dict[date, Drift]:
    """Leap's rows beside the ledger's sums, for every day that one of them knows."""
    # A report may drop zeros at the end of numbers, so the finest number tells how finely it was rounded.
    rounding_ns = min((row.step_ns for row in rows), default=0)
    days = defaultdict(Drift, {day: Drift(**sums) for day, sums in booked.items()})
    for row in rows:
        days[row.day] += Drift(leap_ns=row.time_ns, rounding_ns=rounding_ns, leap_jobs=row.jobs)
    return dict(sorted(days.items()))
