"""Tokens and quotas, which scripts ask for all the time: by one prepared query, and written without serializers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import FilteredRelation, Q, QuerySet
from django.http import Http404

from organizations.models import Membership
from organizations.prepared import VARIANTS, PreparedRows
from tokens.models import SDK_SCOPES, QpuToken, TokenScope


class Row(NamedTuple):
    """A token and one of the quotas on it, or None where there is none; `user_id` is None for the group's."""

    id: int
    organization_id: int | None
    name: str
    provider: str
    quota_ns: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    used_ns: int | None
    user_id: int | None


TOKEN = Row._fields[:4]
QUOTA = Row._fields[4:8]


def page_of_tokens(
    member: Membership, *, scopes: Iterable[str], provider: str, limit: int, offset: int, everybodys: bool
) -> list[Row]:
    """So many of the tokens of each scope that a member can use, in the order of their upload.

    With everybody's quotas on them, or with the member's own alone; a token with several has several rows.
    """
    holders = {TokenScope.PERSONAL: member.user_id, TokenScope.GROUP: member.organization_id}
    ids = [holders[TokenScope(scope)] for scope in scopes]
    prepared = prepared_pages(tuple(scopes), provider, limit, offset)
    if everybodys:
        rows = [Row._make(row) for row in prepared(*ids)]
    else:
        rows = [Row._make((*row, member.user_id)) for row in prepared(*ids, member.pk)]
    return sorted(rows, key=attrgetter("id"))


@lru_cache(VARIANTS)
def prepared_pages(scopes: tuple[str, ...], provider: str, limit: int, offset: int) -> PreparedRows:
    """To be called with the id of who holds the tokens, for each scope, and of the member whose quotas are shown."""

    def build(*ids: int) -> list[QuerySet[QpuToken, Any]]:
        holders, member_ids = ids[: len(scopes)], ids[len(scopes) :]
        return [with_quotas(page(*of), *member_ids) for of in zip(scopes, holders, strict=True)]

    def page(scope: str, holder_id: int) -> QuerySet[QpuToken]:
        tokens = QpuToken.objects.of(Membership(user_id=holder_id, organization_id=holder_id), scope)
        if provider:
            tokens = tokens.filter(provider=provider)
        return tokens.order_by("id")[offset : offset + limit]

    return PreparedRows(build)


def with_quotas(tokens: QuerySet[QpuToken], member_id: int | None = None) -> QuerySet[QpuToken, Any]:
    """Rows of these tokens with everybody's quotas, or with those of a member, whose user's id they leave out."""
    rows = QpuToken.objects.filter(pk__in=tokens)
    if member_id is None:
        return rows.values_list(*TOKEN, *(f"quotas__{column}" for column in QUOTA), "quotas__member__user_id")
    rows = rows.annotate(own_quotas=FilteredRelation("quotas", condition=Q(quotas__member=member_id)))
    return rows.values_list(*TOKEN, *(f"own_quotas__{column}" for column in QUOTA))


def listed(rows: Iterable[Row], *, with_quotas: bool) -> dict[str, list[dict[str, Any]]]:
    """The tokens as lists show them (TokenListSerializer); without quotas for SDKs that do not know them there."""
    lists: dict[str, list[dict[str, Any]]] = {wire: [] for wire in SDK_SCOPES}
    tokens: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row.id not in tokens:
            tokens[row.id] = {"name": row.name, "provider": row.provider}
            lists["private" if row.organization_id is None else "shared"].append(tokens[row.id])
            if with_quotas:
                tokens[row.id] |= {"group_time_quota": None, "user_time_quota": None}
        if with_quotas and row.quota_ns is not None:
            add_quota(tokens[row.id], row)
    return lists


def add_quota(token: dict[str, Any], row: Row) -> None:
    shown = quota(row.quota_ns, row.starts_at, row.ends_at, row.used_ns)
    if row.user_id is None:
        token["group_time_quota"] = shown
        return
    if token["user_time_quota"] is None:
        token["user_time_quota"] = {}
    token["user_time_quota"][str(row.user_id)] = shown


def quota(
    quota_ns: int | None, starts_at: datetime | None, ends_at: datetime | None, used_ns: int | None
) -> dict[str, Any]:
    """As QuotaOutSerializer writes it."""
    return {"quota": quota_ns, "start": starts_at, "end": ends_at, "quota_used": used_ns}


def group_quota(organization_id: int, token_name: str) -> dict[str, Any] | None:
    """The group's quota on a group token; None where none is set, and 404 where there is no such token."""
    found = tokens_with_group_quota(organization_id, token_name)
    if not found:
        raise Http404("No such token.")
    (row,) = found
    return None if row[0] is None else quota(*row)


@PreparedRows
def tokens_with_group_quota(organization_id: int, name: str) -> Sequence[QuerySet[QpuToken, Any]]:
    tokens = QpuToken.objects.of(Membership(organization_id=organization_id), TokenScope.GROUP).filter(name=name)
    tokens = tokens.annotate(of_group=FilteredRelation("quotas", condition=Q(quotas__member=None)))
    return [tokens.values_list(*(f"of_group__{column}" for column in QUOTA))]
