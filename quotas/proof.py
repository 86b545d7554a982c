"""Proof of the ledger: what policies count must be what usage rows add up to."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import BigIntegerField, F, Q, QuerySet, Sum, Value

from .models import ArchivedUsage, TimeQuotaPolicy, Usage
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
    both_sides = counters().union(*map(sums, Subject), *map(archived_sums, Subject), all=True)
    for is_counter, policy_id, used_ns, reserved_ns in both_sides:
        if is_counter:
            counted[policy_id] = (int(used_ns), int(reserved_ns))
        else:
            proven_used_ns, proven_reserved_ns = proven[policy_id]
            proven[policy_id] = (proven_used_ns + int(used_ns), proven_reserved_ns + int(reserved_ns))
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


def archived_sums(subject: Subject) -> QuerySet:
    """The same from what stands for the lines that are in archives; nothing of these is open."""
    policy = f"{subject}_policy_id"
    return (
        ArchivedUsage.objects.exclude(**{policy: None})
        .values(is_counter=Value(False), policy=F(policy))
        .annotate(used=Sum("total_ns"), reserved=Value(0, output_field=BigIntegerField()))
        .values_list("is_counter", "policy", "used", "reserved")
    )
