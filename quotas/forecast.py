"""When a quota will be used up, if people go on as they did. Plain values in, no database, no clock; nanoseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from .policies import Limit, Reason

LOOK_BACK = timedelta(days=28)
LEAST = timedelta(days=3)  # that must have been seen before anything is foretold
LEAST_DAYS_WITH_JOBS = 2


class Outlook(StrEnum):
    """What is to be said of a quota."""

    NOT_STARTED = "not_started"
    ENDED = "ended"
    USED_UP = "used_up"
    HELD = "held"  # nothing is left, but open jobs may give back some
    UNKNOWN = "unknown"  # too little was seen
    IDLE = "idle"
    LASTS = "lasts"
    RUNS_OUT = "runs_out"


@dataclass(frozen=True)
class Forecast:
    """`at`: when nothing will be left (RUNS_OUT). `left_ns`: what will be left at the end of the window (LASTS)."""

    outlook: Outlook
    at: datetime | None = None
    left_ns: int | None = None


def forecast(limit: Limit, spent_by_day: Mapping[date, int], now: datetime) -> Forecast:
    """Go on at the pace of the last four weeks, or since the quota began; say so where that is too short to tell."""
    match limit.reason_to_refuse(1, now):
        case Reason.NOT_STARTED:
            return Forecast(Outlook.NOT_STARTED)
        case Reason.ENDED:
            return Forecast(Outlook.ENDED)
        case Reason.EXHAUSTED:
            return Forecast(Outlook.HELD if limit.used_ns < limit.quota_ns else Outlook.USED_UP)
    since = seen_since(limit, now)
    spent = {day: ns for day, ns in spent_by_day.items() if ns and since.date() <= day <= now.astimezone(UTC).date()}
    if now - since < LEAST or (spent and len(spent) < LEAST_DAYS_WITH_JOBS):
        return Forecast(Outlook.UNKNOWN)
    if not spent:
        return Forecast(Outlook.IDLE)
    return at_pace(limit, sum(spent.values()), now - since, now)


def seen_since(limit: Limit, now: datetime) -> datetime:
    """The beginning of the first whole day that is looked at, or of the quota itself."""
    first_day = datetime.combine((now - LOOK_BACK).astimezone(UTC).date(), time(), UTC)
    return max(limit.window.starts_at.astimezone(UTC), first_day)


def at_pace(limit: Limit, spent_ns: int, seen: timedelta, now: datetime) -> Forecast:
    """Whole numbers throughout: microseconds on the clock, nanoseconds of access time."""
    microsecond = timedelta(microseconds=1)
    seen_us, remaining_us = seen // microsecond, (limit.window.ends_at - now) // microsecond
    will_spend_ns = spent_ns * remaining_us // seen_us
    if will_spend_ns <= limit.left_ns:
        return Forecast(Outlook.LASTS, left_ns=limit.left_ns - will_spend_ns)
    return Forecast(Outlook.RUNS_OUT, at=now + timedelta(microseconds=limit.left_ns * seen_us // spent_ns))
