"""Pages of usage: one's own and, for admins, everybody's on the organization's tokens; and the ledger as CSV."""

from datetime import datetime
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from audit import log
from audit.models import Event
from organizations.access import MemberRequest, member_view
from organizations.permissions import Permission
from organizations.spreadsheets import csv_response, newest_first

from . import daily
from .models import Usage, UsageQuerySet
from .reports import By, Scope, report_on
from .usage_forms import PRESETS, UsageFilter

MINE, EVERYBODYS = [By.TOKEN, By.SOLVER, By.DAY], list(By)

COLUMNS = [
    "id",
    "created_at",
    "closed_at",
    "status",
    "user_email",
    "token_name",
    "solver",
    "source",
    "estimate_ns",
    "access_time_ns",
]


@member_view(Permission.VIEW_OWN_USAGE)
def my_usage(request: MemberRequest) -> HttpResponse:
    """What I have used, on tokens of the organization and on my own."""
    return usage_page(request, MINE)


@member_view(Permission.VIEW_USAGE)
def everybodys_usage(request: MemberRequest) -> HttpResponse:
    """What everybody has used on the organization's tokens."""
    return usage_page(request, EVERYBODYS)


def usage_page(request: MemberRequest, choices: list[By]) -> HttpResponse:
    is_everybodys, today = By.MEMBER in choices, daily.day_of(timezone.now())
    filters = UsageFilter(request.GET, choices=choices, today=today)
    scope = Scope(request.membership, is_everybodys, filters.asked)
    context = {
        "membership": request.membership,
        "filters": filters,
        "choices": choices,
        "presets": PRESETS,
        "is_everybodys": is_everybodys,
        "report": report_on(scope, filters.span, filters.breakdown, today),
    }
    return render(request, "quotas/usage.html", context)


@member_view(Permission.VIEW_OWN_USAGE)
def export_my_usage(request: MemberRequest) -> HttpResponseBase:
    return export(request, Usage.objects.of_member(request.membership), MINE)


@member_view(Permission.VIEW_USAGE)
def export_everybodys_usage(request: MemberRequest) -> HttpResponseBase:
    return export(request, Usage.objects.of_organization(request.membership), EVERYBODYS)


def export(request: MemberRequest, ledger: UsageQuerySet, choices: list[By]) -> HttpResponseBase:
    """The lines of the ledger behind the page with the same filters, also those that cost nothing; newest first."""
    filters = UsageFilter(request.GET, choices=choices, today=daily.day_of(timezone.now()))
    organization = request.membership.organization
    span, narrowed = filters.span, cast(dict[str, Any], filters.asked)
    with transaction.atomic():
        log.record(
            Event.Action.USAGE_EXPORTED,
            by=request.membership,
            target=organization,
            whose="everybody's" if By.MEMBER in choices else "own",
            since=span.first.isoformat(),
            until=span.last.isoformat(),
            **narrowed,
        )
    rows = (cells(line) for line in newest_first(filters.narrow_ledger(ledger)))
    return csv_response(COLUMNS, rows, f"{organization.slug}-usage-{span.first}-{span.last}.csv")


def cells(line: Usage) -> list[object]:
    """Moments as ISO 8601; nothing where there is nothing."""
    values = (getattr(line, column) for column in COLUMNS)
    return [value.isoformat() if isinstance(value, datetime) else value for value in values]
