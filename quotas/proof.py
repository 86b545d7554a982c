"""Proof of the ledger: what policies count must be what usage rows add up to."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q, Sum

from .models import TimeQuotaPolicy, Usage
from .policies import Subject


@dataclass(frozen=True)
class Mismatch:
    """A policy whose counters are not the sums of its usage rows. Nanoseconds."""

    policy_id: int
    counted_used_ns: int
    proven_used_ns: int
    counted_reserved_ns: int
    proven_reserved_ns: int

    def __str__(self) -> str:
        return (
            f"policy {self.policy_id}: used {self.counted_used_ns} ns, but settled jobs add up to "
            f"{self.proven_used_ns} ns; reserved {self.counted_reserved_ns} ns, but open jobs hold "
            f"{self.proven_reserved_ns} ns"
        )


def mismatches() -> Iterator[Mismatch]:
    """Every policy that its usage rows do not prove. Call it in a transaction that sees one moment."""
    proven = {subject: sums_by_policy(subject) for subject in Subject}
    for policy in TimeQuotaPolicy.objects.order_by("pk").iterator():
        used, reserved = proven[policy.subject].get(policy.pk, (0, 0))
        if (used, reserved) != (policy.used_ns, policy.reserved_ns):
            yield Mismatch(policy.pk, policy.used_ns, used, policy.reserved_ns, reserved)


def sums_by_policy(subject: Subject) -> dict[int, tuple[int, int]]:
    """Policy -> nanoseconds settled and nanoseconds held open, from the usage rows alone."""
    column = f"{subject}_policy_id"
    sums = (
        Usage.objects.exclude(**{column: None})
        .values_list(column)
        .annotate(
            used=Sum("access_time_ns", default=0),
            reserved=Sum("estimate_ns", filter=Q(status=Usage.Status.RESERVED), default=0),
        )
    )
    return {policy_id: (used, reserved) for policy_id, used, reserved in sums}
