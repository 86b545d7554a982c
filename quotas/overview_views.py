"""The overview: the first page of an admin."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from organizations.access import MemberRequest, member_view
from organizations.permissions import Permission

from .daily import day_of
from .overview import DAYS, Overview
from .periods import Span
from .reports import By, Scope, report_on


@member_view(Permission.VIEW_USAGE)
def overview(request: MemberRequest) -> HttpResponse:
    """What the organization spends, how long it lasts, and what wants attention."""
    member, now = request.membership, timezone.now()
    today = day_of(now)
    context = {
        "membership": member,
        "overview": Overview(member, now),
        "report": report_on(Scope(member, is_everybodys=True), Span.of_days(DAYS, today), By.MEMBER, today),
    }
    return render(request, "quotas/overview.html", context)
