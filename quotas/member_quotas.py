"""Every member beside their quota on a token: searched, sorted and cut into pages by the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import CharField, F, FilteredRelation, Max, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat, Greatest, LPad
from django.forms.utils import ErrorList

from organizations.models import Membership, MembershipQuerySet
from tokens.models import QpuToken

from .durations import exact, typed
from .forms import InlineQuotaForm, QuotaFilter
from .models import DailyUsage, TimeQuotaPolicy
from .policies import MAX_NS

ORDERS = ["email", "-email", "quota", "-quota", "used", "-used", "left", "-left"]
DIGITS = len(str(MAX_NS))
ENDING_SOON = timedelta(days=7)


@dataclass(frozen=True)
class Row:
    """A member in the list, with what stands in the field in which their quota is edited, and what is wrong with it."""

    member: Membership
    policy: TimeQuotaPolicy | None
    last_used: date | None
    typed: str
    errors: ErrorList | None


def beside_quotas(members: MembershipQuerySet, token: QpuToken) -> MembershipQuerySet:
    """Adds `own`, the member's quota on the token or None; what the list can be sorted by are aliases."""
    with_own = members.annotate(own=FilteredRelation("quotas", condition=Q(quotas__token=token)))
    with_own = with_own.select_related("user", "own")  # type: ignore[misc]  # annotated
    left = Coalesce(F("own__quota_ns") - F("own__used_ns") - F("own__reserved_ns"), MAX_NS)
    return with_own.alias(
        email=F("user__email"),
        quota=sort_key(Coalesce("own__quota_ns", MAX_NS)),  # no quota, no limit
        used=sort_key(Coalesce("own__used_ns", 0)),
        left=sort_key(Greatest(left, 0)),
    )


def own_quota(member: Membership) -> TimeQuotaPolicy | None:
    """The quota that a row of `beside_quotas` came with."""
    return getattr(member, "own", None)  # Django sets nothing where there is none


def sort_key(ns: Combinable) -> Concat:
    """Sorts by a duration; no two members have the same, so that pages can begin after one."""
    return Concat(*(LPad(Cast(part, CharField()), DIGITS, Value("0")) for part in (ns, F("pk"))))


def narrow(members: MembershipQuerySet, filters: QuotaFilter, now: datetime) -> MembershipQuerySet:
    """Those of the members beside their quotas who fit."""
    filters.is_valid()
    if part := filters.cleaned_data.get("search"):
        members = members.matching(part)
    match filters.cleaned_data.get("kind"):
        case "with" | "without" as kind:
            members = members.filter(own__isnull=kind == "without")  # type: ignore[misc]  # annotated
        case "ending":
            members = members.filter(own__ends_at__range=(now, now + ENDING_SOON))  # type: ignore[misc]  # annotated
    return members


def rows_of(members: Iterable[Membership], token: QpuToken, refused: dict[int | None, InlineQuotaForm]) -> list[Row]:
    """The rows of a page (one query); `refused` are forms with mistakes, to be shown as they were typed."""
    members = list(members)
    last_uses = last_use_of(token, [member.user_id for member in members])
    rows = []
    for member in members:
        policy, form = own_quota(member), refused.get(member.pk)
        text, errors = (form.data.get("quota", ""), form.errors["quota"]) if form else (as_typed(policy), None)
        rows.append(Row(member, policy, last_uses.get(member.user_id), text, errors))
    return rows


def as_typed(policy: TimeQuotaPolicy | None) -> str:
    return typed(policy.quota_ns) if policy else ""


def last_use_of(token: QpuToken, user_ids: Iterable[int]) -> dict[int, date]:
    """The last day (UTC) of a settled job of each of these users on the token."""
    days = DailyUsage.objects.filter(token_id=token.pk, user_id__in=list(user_ids)).order_by()
    return dict(days.values_list("user_id").annotate(last=Max("day")))


COLUMNS = ["email", "quota", "starts_at", "ends_at", "used", "open", "left"]
IN_NS = ["quota_ns", "used_ns", "open_ns", "left_ns"]


def cells_of(member: Membership) -> list[str | int]:
    """A member's line in a CSV file of COLUMNS and IN_NS, which can be read back as it is."""
    policy = own_quota(member)
    if policy is None:
        return [member.user.email, *[""] * (len(COLUMNS + IN_NS) - 1)]
    limit = policy.limit
    figures = [limit.used_ns, limit.reserved_ns, limit.left_ns]
    window = [policy.starts_at.isoformat(), policy.ends_at.isoformat()]
    return [member.user.email, exact(limit.quota_ns), *window, *map(exact, figures), limit.quota_ns, *figures]
