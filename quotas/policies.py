"""Whether a job fits: arithmetic on limits and windows. Plain values in, a decision out; no database, no clock.

All durations are nanoseconds of QPU access time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR
from enum import StrEnum

from django.core.exceptions import ValidationError

from .units import human

MAX_NS = 2**63 - 1  # what a database integer holds; some 292 years


@dataclass(frozen=True)
class Window:
    """From when (inclusive) until when (exclusive) a quota is in force."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.ends_at <= self.starts_at:
            raise ValidationError("The end must be after the start.", code="window")

    @classmethod
    def opening(cls, start: datetime | None, end: datetime | None, *, now: datetime, days: int) -> "Window":
        """The window that somebody asked for; from now on, and for `days` days, where they left that open."""
        start = start or now
        try:
            return cls(start, end or start + timedelta(days=days))
        except OverflowError:
            raise ValidationError("The start is too far in the future to have an end.", code="window") from None


class Subject(StrEnum):
    """Whom a policy limits."""

    GROUP = "group"
    USER = "user"


class Reason(StrEnum):
    """Why a policy refuses."""

    NOT_STARTED = "not_started"
    ENDED = "ended"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True)
class Limit:
    """What a policy allows, and what of that is taken already."""

    subject: Subject
    quota_ns: int
    used_ns: int
    reserved_ns: int
    window: Window

    @property
    def left_ns(self) -> int:
        """What another job may take: quota less what is used and what open jobs hold; never negative."""
        return max(0, self.quota_ns - self.used_ns - self.reserved_ns)

    def reason_to_refuse(self, needed_ns: int, now: datetime) -> Reason | None:
        if now < self.window.starts_at:
            return Reason.NOT_STARTED
        if now >= self.window.ends_at:
            return Reason.ENDED
        if needed_ns > self.quota_ns - self.used_ns - self.reserved_ns:
            return Reason.EXHAUSTED
        return None


@dataclass(frozen=True)
class Refusal:
    """Which policy refuses, why, how much it has left, and when that changes by itself (None: when an admin acts)."""

    limit: Limit
    reason: Reason
    needed_ns: int

    @property
    def changes_at(self) -> datetime | None:
        return self.limit.window.starts_at if self.reason is Reason.NOT_STARTED else None

    @property
    def may_free_itself(self) -> bool:
        """Whether the job would fit if all open jobs gave back what they hold."""
        limit = self.limit
        return self.reason is Reason.EXHAUSTED and self.needed_ns <= limit.quota_ns - limit.used_ns

    def __str__(self) -> str:
        """What users are told. Rounds so that what is needed always reads as more than what is left."""
        limit = self.limit
        refused = f"Refused by the {limit.subject} quota of this token"
        match self.reason:
            case Reason.NOT_STARTED:
                return f"{refused}: it begins at {in_utc(limit.window.starts_at)}."
            case Reason.ENDED:
                return f"{refused}: it ended at {in_utc(limit.window.ends_at)}. Ask an admin to extend it."
        what_next = (
            "Open jobs may give back some when they end."
            if self.may_free_itself
            else "That changes when an admin raises the quota."
        )
        return (
            f"{refused}: needs about {human(self.needed_ns, ROUND_CEILING)}, "
            f"{human(limit.left_ns, ROUND_FLOOR)} left of {human(limit.quota_ns)}. {what_next}"
        )


def in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Decision:
    """The answer to "may this job run?"."""

    needed_ns: int
    limits: tuple[Limit, ...]
    refusals: tuple[Refusal, ...]

    @property
    def allowed(self) -> bool:
        return not self.refusals

    @property
    def left_ns(self) -> int | None:
        """What all policies leave together; None where no policy applies."""
        return min((limit.left_ns for limit in self.limits), default=None)

    @property
    def binding(self) -> Limit | None:
        """The policy that decides how much the next job may take: one that is not in force, or what leaves least."""
        closed = [refusal.limit for refusal in self.refusals if refusal.reason is not Reason.EXHAUSTED]
        return closed[0] if closed else min(self.limits, key=lambda limit: limit.left_ns, default=None)

    @property
    def left_now_ns(self) -> int | None:
        """What the next job may take: nothing while a policy is not in force; None where no policy applies."""
        in_force = all(refusal.reason is Reason.EXHAUSTED for refusal in self.refusals)
        return self.left_ns if in_force else 0


def decide(limits: Iterable[Limit], *, needed_ns: int, now: datetime) -> Decision:
    """A job must fit into every policy that applies to it; no policy, no limit."""
    limits = tuple(limits)
    refusals = tuple(
        Refusal(limit, reason, needed_ns) for limit in limits if (reason := limit.reason_to_refuse(needed_ns, now))
    )
    return Decision(needed_ns, limits, refusals)
