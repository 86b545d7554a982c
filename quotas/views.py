"""The dashboard: what a member has, and what is left."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F
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


def token_rows(member: Membership, now: datetime) -> list[TokenRow]:
    """The tokens that a member can use, the group's first (two queries)."""
    groups_first = F("organization_id").asc(nulls_last=True)
    tokens = list(QpuToken.objects.visible_to(member).order_by(groups_first, "name")[:MOST_ROWS])
    limits = defaultdict(list)
    for policy in TimeQuotaPolicy.objects.limiting(member).filter(token__in=tokens):
        limits[policy.token_id].append(policy.limit)
    return [TokenRow(token, decide(limits[token.pk], needed_ns=1, now=now)) for token in tokens]


@member_view(Permission.VIEW_ORGANIZATION)
def dashboard(request: MemberRequest) -> HttpResponse:
    """My tokens, what is left of my quotas, and my API keys."""
    member, now = request.membership, timezone.now()
    context = {
        "membership": member,
        "rows": token_rows(member, now),
        "keys": member.keys.filter(revoked_at=None).order_by("-id")[:MOST_ROWS],
        "most_rows": MOST_ROWS,
        "now": now,
        "portal_url": settings.PORTAL_URL,
    }
    return render(request, "quotas/dashboard.html", context)
