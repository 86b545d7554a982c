"""Take the audit log elsewhere."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.models import Event
from organizations.models import Organization


class Command(BaseCommand):
    help = "Print the audit log, oldest first, as one JSON object per line. Nothing is deleted: the log only grows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, metavar="DAY", help="First day (UTC).")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DAY", help="Last day, included.")
        parser.add_argument("--organization", metavar="SLUG", help="Only this organization's; all if left out.")

    def handle(self, *, since: date | None, until: date | None, organization: str | None, **options: Any) -> None:
        events = Event.objects.order_by("pk")
        if organization:
            events = events.filter(organization_id=find_id(organization))
        if since:
            events = events.filter(at__gte=start_of(since))
        if until:
            events = events.filter(at__lt=start_of(until + timedelta(days=1)))
        for event in events.values().iterator(chunk_size=2000):
            self.stdout.write(orjson.dumps(event).decode())


def find_id(slug: str) -> int:
    try:
        return Organization.objects.values_list("pk", flat=True).get(slug=slug)
    except Organization.DoesNotExist:
        raise CommandError(f"There is no organization “{slug}”.") from None


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
