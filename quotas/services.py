"""What happens to quotas, and the ledger of what was spent. Durations are nanoseconds of QPU access time.

Reserve, then settle: `reserve` books a job's estimate on every policy that applies, in one conditional update each,
before the job starts; `settle` puts what it really cost in the place of the estimate, or `release` gives it back.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from audit import log
from audit.models import Event
from organizations.errors import Conflict
from organizations.models import Membership
from tokens.models import QpuToken
from tokens.services import require_group_tokens

from .models import TimeQuotaPolicy, Usage
from .policies import MAX_NS, Decision, Window, decide


class QuotaExceeded(Exception):
    """A policy refuses a job; `decision` says which, what is left, what was needed and when that changes."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(" ".join(map(str, decision.refusals)))
        self.decision = decision


# --- Policies ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def assign_quota(
    *,
    token: QpuToken,
    member: Membership | None,
    quota_ns: int,
    start: datetime | None = None,
    end: datetime | None = None,
    by: Membership,
    now: datetime,
) -> TimeQuotaPolicy:
    """Let `member` (everybody together, if None) spend up to `quota_ns` on a D-Wave group token.

    Without a start it begins now; without an end it lasts QUOTA_DEFAULT_DAYS from its start.
    """
    require_group_tokens(by.organization)
    if not token.takes_quotas:
        raise ValidationError("Time quotas can be set on D-Wave group tokens only.", code="provider")
    window = Window.opening(start, end, now=now, days=settings.QUOTA_DEFAULT_DAYS)
    policy = TimeQuotaPolicy(
        token=token,
        member=member,
        quota_ns=clean_quota(quota_ns),
        starts_at=window.starts_at,
        ends_at=window.ends_at,
    )
    try:
        with transaction.atomic():
            policy.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"This token has a {policy.subject} quota already. Change that one.", code="quota_set") from None
    record(Event.Action.QUOTA_ASSIGNED, policy, by=by)
    return policy


@transaction.atomic
def change_quota(
    *,
    policy: TimeQuotaPolicy,
    quota_ns: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    by: Membership,
) -> TimeQuotaPolicy:
    """Change what is given and leave the rest. A quota below what is used already is allowed: it stops new jobs."""
    if quota_ns is start is end is None:
        return policy
    window = Window(start or policy.starts_at, end or policy.ends_at)
    policy.starts_at, policy.ends_at = window.starts_at, window.ends_at
    if quota_ns is not None:
        policy.quota_ns = clean_quota(quota_ns)
    # Never the counters: jobs book on them all the while.
    policy.save(update_fields=["quota_ns", "starts_at", "ends_at"])
    record(Event.Action.QUOTA_CHANGED, policy, by=by)
    return policy


@transaction.atomic
def remove_quota(*, policy: TimeQuotaPolicy, by: Membership) -> None:
    """Take the limit away. What was spent under it stays in the ledger; a new quota begins at zero."""
    record(Event.Action.QUOTA_REMOVED, policy, by=by)
    policy.delete()


def clean_quota(quota_ns: int) -> int:
    if not 0 <= quota_ns <= MAX_NS:
        raise ValidationError(f"A quota has 0 to {MAX_NS} nanoseconds (some 292 years).", code="quota")
    return quota_ns


def record(action: Event.Action, policy: TimeQuotaPolicy, *, by: Membership) -> None:
    log.record(
        action,
        by=by,
        target=policy.token,
        user=policy.member.user.email if policy.member else "",
        quota_ns=policy.quota_ns,
        starts_at=policy.starts_at,
        ends_at=policy.ends_at,
    )


# --- The ledger -------------------------------------------------------------------------------------------------------


class DoesNotFit(Exception):
    """A booking met a policy without room for it, or one that is gone; nothing was booked."""


def can_run(*, token: QpuToken, member: Membership, needed_ns: int, now: datetime) -> Decision:
    """Whether a job of this member would be let through now, and if not, what would refuse it. Books nothing."""
    policies = TimeQuotaPolicy.objects.applying_to(token, member)
    return decide((policy.limit for policy in policies), needed_ns=needed_ns, now=now)


def reserve(
    *, token: QpuToken, by: Membership, estimate_ns: int, source: str, now: datetime, solver: str = ""
) -> Usage:
    """Book a job's estimate on every policy that applies to it, or raise QuotaExceeded and book nothing.

    `token` must be one that the member can use (QpuToken.objects.visible_to). Call this before anything goes to the
    provider, and never inside a transaction that stays open while the provider works.
    """
    if not 0 < estimate_ns <= MAX_NS:
        raise ValidationError(f"A job takes 1 to {MAX_NS} nanoseconds.", code="estimate")
    if token.is_group:
        require_group_tokens(by.organization)
    usage = Usage(
        organization_id=token.organization_id,
        user_id=by.user_id,
        user_email=by.user.email,
        token_id=token.pk,
        token_name=token.name,
        source=source,
        solver=solver,
        estimate_ns=estimate_ns,
        created_at=now,
    )
    while True:
        try:
            return book(usage, TimeQuotaPolicy.objects.applying_to(token, by), now)
        except DoesNotFit:
            decision = can_run(token=token, member=by, needed_ns=estimate_ns, now=now)
            if not decision.allowed:
                raise QuotaExceeded(decision) from None
            # Between the two looks somebody gave time back, or changed a policy: now it may fit.


@transaction.atomic
def book(usage: Usage, policies: Iterable[TimeQuotaPolicy], now: datetime) -> Usage:
    """Check and book in one statement for each policy, and write the job's line; all of it or DoesNotFit."""
    for policy in policies:
        open_policy = TimeQuotaPolicy.objects.filter(pk=policy.pk).with_room(usage.estimate_ns, now)
        if not open_policy.update(reserved_ns=F("reserved_ns") + usage.estimate_ns):
            raise DoesNotFit
        setattr(usage, f"{policy.subject}_policy_id", policy.pk)
    usage.save(force_insert=True)
    return usage


@transaction.atomic
def settle(*, usage: Usage, access_time_ns: int, now: datetime) -> bool:
    """Put what a job really cost in the place of its estimate. False if it was settled or released before."""
    if not 0 <= access_time_ns <= MAX_NS:
        raise ValidationError(f"A job takes 0 to {MAX_NS} nanoseconds.", code="access_time")
    if not close(usage, Usage.Status.SETTLED, now, access_time_ns=access_time_ns):
        return False
    give_back(usage, used_ns=access_time_ns)
    return True


@transaction.atomic
def release(*, usage: Usage, now: datetime) -> bool:
    """Give back what a job reserved, because it never ran. False if it was settled or released before."""
    if not close(usage, Usage.Status.RELEASED, now):
        return False
    give_back(usage, used_ns=0)
    return True


def close(usage: Usage, status: Usage.Status, now: datetime, **outcome: int) -> bool:
    """Close an open line; only one of all who try at the same time succeeds."""
    return bool(Usage.objects.open().filter(pk=usage.pk).update(status=status, closed_at=now, **outcome))


def give_back(usage: Usage, *, used_ns: int) -> None:
    """Free the reservation on the policies that are still there, in the order in which `book` locks them."""
    for policy_id in (usage.group_policy_id, usage.user_policy_id):
        if policy_id is not None:
            TimeQuotaPolicy.objects.filter(pk=policy_id).update(
                used_ns=F("used_ns") + used_ns, reserved_ns=F("reserved_ns") - usage.estimate_ns
            )
