"""The dashboard: what a member has, and what is left."""

from collections import defaultdict
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from organizations.access import MemberRequest, member_view
from organizations.models import Membership
from organizations.permissions import Permission
from tokens.models import QpuToken

from .models import TimeQuotaPolicy
from .policies import Decision, decide

MOST_ROWS = 200


@dataclass(frozen=True)
class TokenRow:
    """A token, and what its quotas leave for the member who looks."""

    token: QpuToken
    decision: Decision


def token_rows(member: Membership) -> list[TokenRow]:
    """The tokens that a member can use (two queries)."""
    tokens = list(QpuToken.objects.visible_to(member).order_by("organization", "name")[:MOST_ROWS])
    policies = TimeQuotaPolicy.objects.limiting(member).filter(token__in=tokens)
    limits = defaultdict(list)
    for policy in policies:
        limits[policy.token_id].append(policy.limit)
    now = timezone.now()
    return [TokenRow(token, decide(limits[token.pk], needed_ns=1, now=now)) for token in tokens]


@member_view(Permission.VIEW_ORGANIZATION)
def dashboard(request: MemberRequest) -> HttpResponse:
    """My tokens, what is left of my quotas, and my API keys."""
    member = request.membership
    context = {
        "membership": member,
        "rows": token_rows(member),
        "keys": member.keys.filter(revoked_at=None).order_by("-id")[:MOST_ROWS],
        "now": timezone.now(),
        "portal_url": settings.PORTAL_URL,
    }
    return render(request, "quotas/dashboard.html", context)
