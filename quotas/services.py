"""What happens to quotas, and the ledger of what was spent. Durations are nanoseconds of QPU access time.

Reserve, then settle: `reserve` books a job's estimate on every policy that applies, in one conditional update each,
before the job starts; `settle` puts what it really cost in the place of the estimate, or `release` gives it back.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.http import Http404

from audit import log
from audit.models import Event
from organizations.errors import Conflict
from organizations.models import Membership
from organizations.prepared import Prepared
from organizations.services import lock_member
from tokens.models import QpuToken
from tokens.services import lock as lock_token
from tokens.services import require_group_tokens

from . import daily
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

    Without a start it begins now; without an end it lasts as long as the organization's settings say.
    """
    require_group_tokens(by.organization)
    if not token.takes_quotas:
        raise ValidationError("Time quotas can be set on D-Wave group tokens only.", code="provider")
    window = Window.opening(start, end, now=now, days=by.organization.quota_days)
    lock_token(token)
    if member:
        lock_member(member)
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
    if quota_ns is None and start is None and end is None:
        return policy
    lock(policy)
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
    lock(policy)
    record(Event.Action.QUOTA_REMOVED, policy, by=by)
    policy.delete()


def lock(policy: TimeQuotaPolicy) -> None:
    """Let changes of a policy come one after the other, each knowing its state; one that is gone by then is a 404."""
    fields = ["quota_ns", "used_ns", "reserved_ns", "starts_at", "ends_at"]
    try:
        policy.refresh_from_db(fields=fields, from_queryset=TimeQuotaPolicy.objects.select_for_update())
    except TimeQuotaPolicy.DoesNotExist:
        raise Http404("No quota is set here.") from None


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


class Overtaken(Exception):
    """While a job was being booked somebody took the room that it had seen, or changed a policy; nothing was booked."""


def can_run(*, token: QpuToken, member: Membership, needed_ns: int, now: datetime) -> Decision:
    """Whether a job of this member would be let through now, and if not, what would refuse it. Books nothing."""
    require_plan_for(token, member)
    policies = policies_of(token.pk, member.pk)
    return decide((policy.limit for policy in policies), needed_ns=needed_ns, now=now)


def reserve(
    *,
    token: QpuToken,
    by: Membership,
    estimate_ns: int,
    source: str,
    now: datetime,
    solver: str = "",
    beside: Callable[[Usage], object] = lambda usage: None,
) -> Usage:
    """Book a job's estimate on every policy that applies to it, or raise QuotaExceeded and book nothing.

    Call this before anything goes to the provider, and never inside a transaction that stays open while the provider
    works. `beside` writes what belongs to the line, in the same transaction. The line's `left_ns` is what was left for
    the next job then; None where nothing limits it.
    """
    if not 0 < estimate_ns <= MAX_NS:
        raise ValidationError(f"A job takes 1 to {MAX_NS} nanoseconds.", code="estimate")
    require_plan_for(token, by)
    while True:
        policies = policies_with_room(token, by, estimate_ns, now)
        usage = Usage(
            organization_id=token.organization_id,
            user_id=by.user_id,
            user_email=by.user.email,
            token_id=token.pk,
            token_name=token.name,
            **{f"{policy.subject}_policy_id": policy.pk for policy in policies},
            source=source,
            solver=solver,
            estimate_ns=estimate_ns,
            created_at=now,
        )
        try:
            book(usage, policies, beside)
        except Overtaken:
            continue  # look again: it may still fit
        usage.left_ns = min((policy.limit.left_ns - estimate_ns for policy in policies), default=None)
        return usage


def require_plan_for(token: QpuToken, member: Membership) -> None:
    if token.is_group:
        require_group_tokens(member.organization)


@Prepared
def policies_of(token_id: int, member_id: int) -> QuerySet[TimeQuotaPolicy]:
    return TimeQuotaPolicy.objects.applying_to(QpuToken(pk=token_id), Membership(pk=member_id))


def policies_with_room(token: QpuToken, member: Membership, needed_ns: int, now: datetime) -> list[TimeQuotaPolicy]:
    """The policies that a job must be booked on, in the order of locks; QuotaExceeded if it does not fit into all."""
    policies = policies_of(token.pk, member.pk)
    require_presence(token, member)
    decision = decide((policy.limit for policy in policies), needed_ns=needed_ns, now=now)
    if not decision.allowed:
        raise QuotaExceeded(decision)
    return policies


def require_presence(token: QpuToken, member: Membership) -> None:
    """Refuse when the token or the member is gone.

    To be asked after reading their policies: these go with them, and where there is none there is no limit.
    """
    holding = members_holding_group_token if token.is_group else members_holding_personal_token
    if not holding(member.pk, token.pk):
        raise PermissionDenied("This token is no longer yours to use.")


@Prepared
def members_holding_group_token(member_id: int, token_id: int) -> QuerySet[Membership]:
    return Membership.objects.filter(pk=member_id, organization__qpu_tokens=token_id)


@Prepared
def members_holding_personal_token(member_id: int, token_id: int) -> QuerySet[Membership]:
    return Membership.objects.filter(pk=member_id, user__qpu_tokens=token_id)


@transaction.atomic
def book(usage: Usage, policies: Iterable[TimeQuotaPolicy], beside: Callable[[Usage], object]) -> None:
    """Write a job's line, and check and book in one statement for each policy; all of it or Overtaken."""
    usage.save(force_insert=True)
    beside(usage)
    for policy in policies:  # last, because other jobs wait for these rows from here to the end of the transaction
        if not policy.take_room(usage.estimate_ns, usage.created_at):
            raise Overtaken


@transaction.atomic
def settle(*, usage: Usage, access_time_ns: int, now: datetime) -> bool:
    """Put what a job really cost in the place of its estimate. False if it was settled or released before."""
    if not 0 <= access_time_ns <= MAX_NS:
        raise ValidationError(f"A job takes 0 to {MAX_NS} nanoseconds.", code="access_time")
    if not usage.close(Usage.Status.SETTLED, now, access_time_ns):
        return False
    daily.add(usage, access_time_ns)  # before the policies, because other jobs wait for those
    give_back(usage, used_ns=access_time_ns)
    return True


@transaction.atomic
def release(*, usage: Usage, now: datetime) -> bool:
    """Give back what a job reserved, because it never ran. False if it was settled or released before."""
    if not usage.close(Usage.Status.RELEASED, now, None):
        return False
    give_back(usage, used_ns=0)
    return True


@transaction.atomic
def reopen(*, usage: Usage) -> bool:
    """Take back a release, because the job runs after all. False if it is open or settled.

    The estimate is booked again even where nothing is left: the time is being spent, and the ledger must say so.
    """
    released = Usage.objects.filter(pk=usage.pk, status=Usage.Status.RELEASED)
    if not released.update(status=Usage.Status.RESERVED, closed_at=None):
        return False
    for policy_id in policy_ids(usage):
        TimeQuotaPolicy.objects.filter(pk=policy_id).update(reserved_ns=F("reserved_ns") + usage.estimate_ns)
    return True


def give_back(usage: Usage, *, used_ns: int) -> None:
    """Free the reservation on the policies that are still there."""
    for policy_id in policy_ids(usage):
        TimeQuotaPolicy.objects.give_back(policy_id, reserved_ns=usage.estimate_ns, used_ns=used_ns)


def policy_ids(usage: Usage) -> list[int]:
    """The policies that a job is booked on, in the order in which `book` locks them."""
    return [policy_id for policy_id in (usage.group_policy_id, usage.user_policy_id) if policy_id is not None]
