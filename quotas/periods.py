"""Spans of days and how charts divide them. Days are those of UTC, as in the ledger by day. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from django.utils.translation import gettext as _

from accounts.templatetags.moments import calendar_day

MOST_DAYS = 3660


class Step(StrEnum):
    """How wide a bar of a chart is, so that there are never too many to be told apart."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def begin(self, day: date) -> date:
        """The first day of the day, calendar week or month that `day` lies in."""
        match self:
            case Step.WEEK:
                return day - timedelta(days=day.weekday())
            case Step.MONTH:
                return day.replace(day=1)
        return day


@dataclass(frozen=True)
class Span:
    """From one day to another, both included."""

    first: date
    last: date

    @classmethod
    def of_days(cls, days: int, last: date) -> "Span":
        """So many days, up to the `last` one."""
        return cls(last - timedelta(days=days - 1), last)

    @classmethod
    def asked_for(cls, since: date | None, until: date | None, *, days: int, today: date) -> "Span":
        """What somebody has asked for, `days` where one end is missing; never in the future, empty or endless."""
        last = min(until or today, today)
        first = min(since, last) if since else last - timedelta(days=days - 1)
        return cls(max(first, last - timedelta(days=MOST_DAYS - 1)), last)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def step(self) -> Step:
        return Step.DAY if self.days <= 92 else Step.WEEK if self.days <= 371 else Step.MONTH

    @cached_property
    def parts(self) -> list["Span"]:
        """The days, weeks or months of the span; the first and the last one may be cut off."""
        days = [self.first + timedelta(days=number) for number in range(self.days)]
        begins = sorted({max(self.step.begin(day), self.first) for day in days})
        ends = [begin - timedelta(days=1) for begin in begins[1:]] + [self.last]
        return [Span(begin, end) for begin, end in zip(begins, ends, strict=True)]

    @property
    def whole_months(self) -> "Span | None":
        """From the first day of the first month that lies in it as a whole to the last day of the last one."""
        begin = self.first if self.first.day == 1 else next_month(self.first)
        end = Step.MONTH.begin(self.last + timedelta(days=1)) - timedelta(days=1)
        return Span(begin, end) if begin < end else None

    def around(self, inside: "Span") -> list["Span"]:
        """What is left of it before and after a span within."""
        day = timedelta(days=1)
        before, after = Span(self.first, inside.first - day), Span(inside.last + day, self.last)
        return [span for span in (before, after) if span.first <= span.last]

    def part_of(self, day: date) -> "Span":
        """The one of `parts` that a day of the span lies in."""
        return self.part_by_first_day[max(self.step.begin(day), self.first)]

    @cached_property
    def part_by_first_day(self) -> dict[date, "Span"]:
        return {part.first: part for part in self.parts}

    def __str__(self) -> str:
        return self.label

    @cached_property
    def label(self) -> str:
        """The days in words; kept, because a chart says them of every bar."""
        first, last = map(calendar_day, (self.first, self.last))
        return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def next_month(day: date) -> date:
    """The first day of the month after the one of `day`."""
    return Step.MONTH.begin(Step.MONTH.begin(day) + timedelta(days=31))
