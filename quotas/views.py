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

from .daily import day_of
from .models import TimeQuotaPolicy, Usage
from .periods import Span
from .policies import Decision, decide
from .reports import By, Scope, report_on

MOST_TOKENS, MOST_KEYS, MOST_JOBS, DAYS = 20, 5, 5, 30


@dataclass(frozen=True)
class TokenRow:
    """A token, and what its quotas leave for the member who looks."""

    token: QpuToken
    decision: Decision


def token_rows(member: Membership, now: datetime) -> list[TokenRow]:
    """The tokens that a member can use, the group's first (two queries)."""
    groups_first = F("organization_id").asc(nulls_last=True)
    tokens = list(QpuToken.objects.visible_to(member).order_by(groups_first, "name")[:MOST_TOKENS])
    limits = defaultdict(list)
    for policy in TimeQuotaPolicy.objects.limiting(member).filter(token__in=tokens):
        limits[policy.token_id].append(policy.limit)
    return [TokenRow(token, decide(limits[token.pk], needed_ns=1, now=now)) for token in tokens]


@member_view(Permission.VIEW_ORGANIZATION)
def dashboard(request: MemberRequest) -> HttpResponse:
    """My tokens and what is left of my quotas, my last month, my latest jobs, and my API keys."""
    member, now = request.membership, timezone.now()
    today = day_of(now)
    context = {
        "membership": member,
        "rows": token_rows(member, now),
        "report": report_on(Scope(member), Span.of_days(DAYS, today), By.TOKEN, today),
        "jobs": list(Usage.objects.of_member(member).order_by("-id")[:MOST_JOBS]),
        "keys": list(member.keys.usable(now).order_by("-id")[:MOST_KEYS]),
        "now": now,
        "portal_url": settings.PORTAL_URL,
    }
    return render(request, "quotas/dashboard.html", context)
