"""The list of tokens, which scripts ask for all the time: by prepared queries, and written without serializers."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from organizations.models import Membership
from organizations.prepared import VARIANTS, Prepared
from quotas.models import TimeQuotaPolicy
from tokens.models import QpuToken, TokenScope


def page_of_tokens(member: Membership, scope: str, provider: str, limit: int, offset: int) -> list[QpuToken]:
    """So many of the tokens of a scope that a member can use, in the order of their upload."""
    owner_id = member.user_id if scope == TokenScope.PERSONAL else member.organization_id
    return prepared_page(scope, provider, limit, offset)(owner_id)


@lru_cache(VARIANTS)
def prepared_page(scope: str, provider: str, limit: int, offset: int) -> Prepared[QpuToken]:
    def build(owner_id: int) -> QuerySet[QpuToken]:
        tokens = QpuToken.objects.of(Membership(user_id=owner_id, organization_id=owner_id), scope)
        if provider:
            tokens = tokens.filter(provider=provider)
        return tokens.only("name", "provider").order_by("id")[offset : offset + limit]

    return Prepared(build)


@Prepared
def quotas_on_tokens(*token_ids: int) -> QuerySet[TimeQuotaPolicy]:
    return TimeQuotaPolicy.objects.filter(token__in=token_ids).select_related("member")


@Prepared
def quotas_of_member(member_id: int, *token_ids: int) -> QuerySet[TimeQuotaPolicy]:
    return TimeQuotaPolicy.objects.filter(member=member_id, token__in=token_ids).select_related("member")


def listed(token: QpuToken, quotas: Mapping[int, Iterable[TimeQuotaPolicy]] | None) -> dict[str, Any]:
    """A token as lists show it (ListedTokenSerializer); without quotas for SDKs that do not know them there."""
    shown: dict[str, Any] = {"name": token.name, "provider": token.provider}
    if quotas is not None:
        policies = quotas.get(token.pk, ())
        users = {str(policy.member.user_id): quota(policy) for policy in policies if policy.member}
        shown["group_time_quota"] = next((quota(policy) for policy in policies if policy.member is None), None)
        shown["user_time_quota"] = users or None
    return shown


def quota(policy: TimeQuotaPolicy) -> dict[str, Any]:
    """As QuotaOutSerializer writes it."""
    return {
        "quota": policy.quota_ns,
        "start": policy.starts_at,
        "end": policy.ends_at,
        "quota_used": policy.used_ns,
    }
