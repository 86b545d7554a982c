"""Spans of days and how charts divide them. Days are those of UTC, as in the ledger by day. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from django.utils.translation import gettext as _

from accounts.templatetags.moments import calendar_day

MOST_DAYS = 3660
DAY = timedelta(days=1)


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
        ends = [begin - DAY for begin in begins[1:]] + [self.last]
        return [Span(begin, end) for begin, end in zip(begins, ends, strict=True)]

    def by_months(self, today: date) -> "Months":
        """As whole months, but for as few days as can be; days after `today`, on which nothing was, are not counted."""
        begins = Step.MONTH.begin(self.first), next_month(self.first)
        ends = Step.MONTH.begin(self.last) - DAY, next_month(self.last) - DAY
        begin = min(begins, key=lambda day: abs(day - self.first))
        end = min(ends, key=lambda day: abs(min(day, today) - self.last))
        if begin > end:
            return Months(None, [(self, 1)])
        missing = [(Span(self.first, begin - DAY), 1), (Span(end + DAY, self.last), 1)]
        too_many = [(Span(begin, self.first - DAY), -1), (Span(self.last + DAY, end), -1)]
        return Months(Span(begin, end), [(span, sign) for span, sign in missing + too_many if span.days > 0])

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


@dataclass(frozen=True)
class Months:
    """A span as `whole` months, and days that are added to them (1) or taken away (-1)."""

    whole: Span | None
    days: list[tuple[Span, int]]


def next_month(day: date) -> date:
    """The first day of the month after the one of `day`."""
    return Step.MONTH.begin(Step.MONTH.begin(day) + 31 * DAY)
