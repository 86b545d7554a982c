"""The quotas of many members at once: what would change, and changing it, all or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from audit import log
from audit.models import Event
from organizations.errors import Conflict
from organizations.models import Membership
from organizations.services import lock_members
from tokens.models import QpuToken
from tokens.services import lock as lock_token
from tokens.services import require_group_tokens

from .models import LOCK_ORDER, TimeQuotaPolicy, TimeQuotaPolicyQuerySet
from .policies import Window
from .services import clean_quota

BATCH = 500  # rows in a statement


@dataclass(frozen=True)
class Wish:
    """What a member is to have. Where no start or end is given, a window that is not over stays as it is."""

    member: Membership
    quota_ns: int
    start: datetime | None = None
    end: datetime | None = None


class Outlook(StrEnum):
    """What assigning would do about a member."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class Assignment:
    """What becomes of a member's quota; `policy` is the one that they have now."""

    member: Membership
    policy: TimeQuotaPolicy | None
    quota_ns: int
    window: Window

    @property
    def outlook(self) -> Outlook:
        if self.policy is None:
            return Outlook.NEW
        is_same = (self.policy.quota_ns, self.policy.window) == (self.quota_ns, self.window)
        return Outlook.SAME if is_same else Outlook.CHANGED

    def made_on(self, token: QpuToken) -> TimeQuotaPolicy:
        """The policy as it is to be; not saved. What is used and reserved stays."""
        policy = self.policy or TimeQuotaPolicy(token=token, member=self.member)
        policy.quota_ns = self.quota_ns
        policy.starts_at, policy.ends_at = self.window.starts_at, self.window.ends_at
        return policy


def plan(token: QpuToken, wishes: Sequence[Wish], now: datetime) -> list[Assignment]:
    """What fulfilling the wishes would change (one query)."""
    return planned(wishes, policies_of(token, [wish.member for wish in wishes]), now)


def policies_of(token: QpuToken, members: Iterable[Membership]) -> TimeQuotaPolicyQuerySet:
    return TimeQuotaPolicy.objects.filter(token=token, member__in=[member.pk for member in members])


def planned(wishes: Iterable[Wish], policies: Iterable[TimeQuotaPolicy], now: datetime) -> list[Assignment]:
    policy_of = {policy.member_id: policy for policy in policies}
    assignments = []
    for wish in wishes:
        policy = policy_of.get(wish.member.pk)
        window = window_of(wish, policy, now)
        assignments.append(Assignment(wish.member, policy, clean_quota(wish.quota_ns), window))
    return assignments


def window_of(wish: Wish, policy: TimeQuotaPolicy | None, now: datetime) -> Window:
    """The window that a wish leads to. A quota that has ended begins anew, or the wish would change nothing."""
    try:
        if policy is None or policy.ends_at <= now:
            return Window.opening(wish.start, wish.end, now=now, days=wish.member.organization.quota_days)
        return Window(wish.start or policy.starts_at, wish.end or policy.ends_at)
    except ValidationError as error:
        raise ValidationError(
            _("%(email)s: %(problem)s") % {"email": wish.member.user.email, "problem": " ".join(error.messages)},
            code="window",
        ) from None


@transaction.atomic
def assign_many(*, token: QpuToken, wishes: Sequence[Wish], by: Membership, now: datetime) -> int:
    """Give each member the quota that is wished for them, whether they have one already or not; or nobody any.

    Says for how many that has changed something.
    """
    require_group_tokens(by.organization)
    if not token.takes_quotas:
        raise ValidationError("Time quotas can be set on D-Wave group tokens only.", code="provider")
    lock_token(token)
    lock_members(by.organization)
    members = [wish.member for wish in wishes]
    require_presence(members, by)
    assignments = planned(wishes, locked_policies(token, members), now)
    new = [each.made_on(token) for each in assignments if each.outlook == Outlook.NEW]
    changed = [each.made_on(token) for each in assignments if each.outlook == Outlook.CHANGED]
    TimeQuotaPolicy.objects.bulk_create(new, batch_size=BATCH)
    # Never the counters: jobs book on them all the while.
    TimeQuotaPolicy.objects.bulk_update(changed, ["quota_ns", "starts_at", "ends_at"], batch_size=BATCH)
    record_each(Event.Action.QUOTA_ASSIGNED, token, new, by=by)
    record_each(Event.Action.QUOTA_CHANGED, token, changed, by=by)
    return len(new) + len(changed)


def locked_policies(token: QpuToken, members: Sequence[Membership]) -> list[TimeQuotaPolicy]:
    policies = policies_of(token, members).select_related("member__user")
    return list(policies.order_by(LOCK_ORDER).select_for_update(of=("self",)))


def require_presence(members: Sequence[Membership], by: Membership) -> None:
    """Refuse if somebody is not, or no longer, in the organization, or is named twice."""
    here = by.organization.memberships.filter(pk__in=[member.pk for member in members])
    if here.count() != len(members):
        raise Conflict(_("Somebody on the list has left meanwhile. Check the list again."), code="gone")


@transaction.atomic
def remove_many(*, token: QpuToken, members: Sequence[Membership], by: Membership) -> int:
    """Take the limits of these members away, and say how many there were. What was spent stays in the ledger."""
    lock_token(token)
    policies = locked_policies(token, members)
    record_each(Event.Action.QUOTA_REMOVED, token, policies, by=by)
    TimeQuotaPolicy.objects.filter(pk__in=[policy.pk for policy in policies]).delete()
    return len(policies)


def record_each(action: Event.Action, token: QpuToken, policies: Iterable[TimeQuotaPolicy], *, by: Membership) -> None:
    details: list[Mapping[str, log.Plain]] = [
        {
            "user": policy.member.user.email if policy.member else "",
            "quota_ns": policy.quota_ns,
            "starts_at": policy.starts_at,
            "ends_at": policy.ends_at,
        }
        for policy in policies
    ]
    log.record_each(action, by=by, target=token, details=details)
