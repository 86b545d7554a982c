"""Pages of the audit log: who did what when, narrowed by the address, and the same as CSV."""

import json

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render

from audit.models import Event

from .access import MemberRequest, member_view
from .forms import AuditFilter
from .pages import page_of
from .permissions import Permission
from .spreadsheets import csv_response, newest_first

COLUMNS = ["id", "at", "action", "actor", "key", "address", "target_type", "target_id", "target", "details"]


@member_view(Permission.VIEW_AUDIT)
def audit_log(request: MemberRequest) -> HttpResponse:
    """Who did what when, newest first."""
    filters = AuditFilter(request.GET)
    events = filters.narrow(Event.objects.of_organization(request.membership.organization))
    context = {
        "membership": request.membership,
        "filters": filters,
        "page": page_of(request, events, ["-id", "id"]),
    }
    return render(request, "organizations/audit_log.html", context)


@member_view(Permission.VIEW_AUDIT)
def export_audit_log(request: MemberRequest) -> HttpResponseBase:
    """All lines that the page shows with the same filters, newest first."""
    organization = request.membership.organization
    events = AuditFilter(request.GET).narrow(Event.objects.of_organization(organization))
    rows = (cells(event) for event in newest_first(events))
    return csv_response(COLUMNS, rows, f"{organization.slug}-audit.csv")


def cells(event: Event) -> list[object]:
    written = {"at": event.at.isoformat(), "details": json.dumps(event.details)}
    return [written.get(name, getattr(event, name)) for name in COLUMNS]
