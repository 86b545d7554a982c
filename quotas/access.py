"""From a member to the quotas within their reach."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.access import MemberAPIView
from organizations.models import Membership
from organizations.permissions import Permission
from organizations.prepared import Prepared
from tokens.access import find_token
from tokens.models import QpuToken, TokenScope

from . import services
from .models import TimeQuotaPolicy
from .policies import Decision, decide


def find_member(admin: Membership, email: str) -> Membership:
    """The member of the admin's organization with this address."""
    member = admin.organization.memberships.select_related("user", "organization").filter(user__email=email).first()
    if member is None:
        raise Http404("No such member.")
    return member


def quota_of(token: QpuToken, member: Membership | None) -> TimeQuotaPolicy | None:
    """The quota of a member on a token; of the group, without a member."""
    found = quotas_of_member(token.pk, member.pk) if member else group_quotas(token.pk)
    for policy in found:
        policy.token = token
    return found[0] if found else None


@Prepared
def group_quotas(token_id: int) -> QuerySet[TimeQuotaPolicy]:
    return TimeQuotaPolicy.objects.of_group().filter(token=token_id)


@Prepared
def quotas_of_member(token_id: int, member_id: int) -> QuerySet[TimeQuotaPolicy]:
    return TimeQuotaPolicy.objects.filter(token=token_id, member=member_id).select_related("member__user")


def find_quota(token: QpuToken, member: Membership | None) -> TimeQuotaPolicy:
    policy = quota_of(token, member)
    if policy is None:
        raise Http404("No quota is set here.")
    return policy


def decisions_on(tokens: Iterable[QpuToken], member: Membership, now: datetime) -> dict[int, Decision]:
    """What limits the member on each of the tokens, by its id, and whether the smallest job would run (one query)."""
    tokens = list(tokens)
    limits = defaultdict(list)
    for policy in TimeQuotaPolicy.objects.limiting(member).filter(token__in=tokens):
        limits[policy.token_id].append(policy.limit)
    return {token.pk: decide(limits[token.pk], needed_ns=1, now=now) for token in tokens}


class QuotaAPIView(MemberAPIView):
    """Endpoints of one quota on a group token: a member's where the address has an `email`, else the group's.

    The REST API and the Luna API differ in the names of fields, and in what they answer where no quota is set.
    """

    permissions = {
        "GET": Permission.VIEW_QUOTAS,
        "POST": Permission.ASSIGN_QUOTAS,
        "PATCH": Permission.ASSIGN_QUOTAS,
        "DELETE": Permission.ASSIGN_QUOTAS,
    }

    @cached_property
    def token(self) -> QpuToken:
        return find_token(self.membership, TokenScope.GROUP, self.kwargs["name"])

    @cached_property
    def member(self) -> Membership | None:
        email = self.kwargs.get("email")
        return find_member(self.membership, email) if email else None

    @cached_property
    def policy(self) -> TimeQuotaPolicy:
        return find_quota(self.token, self.member)

    def post(self, request: Request, **kwargs: str) -> Response:
        """Set a quota. Where one is set already, change that one."""
        policy = services.assign_quota(
            token=self.token, member=self.member, **self.input, by=self.membership, now=timezone.now()
        )
        return Response(self.get_serializer(policy).data, status=201)

    def patch(self, request: Request, **kwargs: str) -> Response:
        """Change a quota, or when it is in force. What is left out stays."""
        policy = services.change_quota(policy=self.policy, **self.input, by=self.membership)
        return Response(self.get_serializer(policy).data)

    def delete(self, request: Request, **kwargs: str) -> Response:
        """Remove a quota: there is no limit any more. What was spent under it stays on record."""
        services.remove_quota(policy=self.policy, by=self.membership)
        return Response(status=204)
