"""Proof of the ledger: what policies count must be what usage rows add up to."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet, Sum, Value

from .models import TimeQuotaPolicy, Usage
from .policies import Subject


@dataclass(frozen=True)
class Mismatch:
    """A policy whose counters are not the sums of its usage rows. Nanoseconds."""

    policy_id: int
    counted_used_ns: int
    counted_reserved_ns: int
    proven_used_ns: int
    proven_reserved_ns: int

    def __str__(self) -> str:
        return (
            f"policy {self.policy_id}: used {self.counted_used_ns} ns, but settled jobs add up to "
            f"{self.proven_used_ns} ns; reserved {self.counted_reserved_ns} ns, but open jobs hold "
            f"{self.proven_reserved_ns} ns"
        )


def prove() -> tuple[int, list[Mismatch]]:
    """How many policies there are, and those that their usage rows do not prove.

    One statement asks for both sides, so that they are of one moment while jobs go on booking.
    """
    counted: dict[int, tuple[int, int]] = {}
    proven: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for is_counter, policy_id, used_ns, reserved_ns in counters().union(*map(sums, Subject), all=True):
        (counted if is_counter else proven)[policy_id] = (int(used_ns), int(reserved_ns))
    return len(counted), [
        Mismatch(policy_id, *counters, *proven[policy_id])
        for policy_id, counters in sorted(counted.items())
        if counters != proven[policy_id]
    ]


def counters() -> QuerySet:
    """Rows of (True, policy, used, reserved) from the policies."""
    return TimeQuotaPolicy.objects.values_list(Value(True), "pk", "used_ns", "reserved_ns")


def sums(subject: Subject) -> QuerySet:
    """Rows of (False, policy, used, reserved), added up from the ledger for the policies of one kind."""
    policy = f"{subject}_policy_id"
    return (
        Usage.objects.exclude(**{policy: None})
        .values(is_counter=Value(False), policy=F(policy))
        .annotate(
            used=Sum("access_time_ns", default=0),
            reserved=Sum("estimate_ns", filter=Q(status=Usage.Status.RESERVED), default=0),
        )
        .values_list("is_counter", "policy", "used", "reserved")
    )
