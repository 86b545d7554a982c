"""Answer questions about jobs that are no longer in the ledger."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations.models import Organization
from organizations.spreadsheets import neutral
from quotas.archive import read_back
from quotas.usage_views import COLUMNS

from .archive_usage import month

COLUMNS_OF_ARCHIVES = [*COLUMNS, "problem_upstream_id"]


class Command(BaseCommand):
    help = (
        "Print jobs from files of archive_usage as CSV. Each file is proven before any of it is printed; "
        "exits 1 at one that is missing or was changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", type=Path, required=True, metavar="DIR", dest="folder", help="Where the files are."
        )
        parser.add_argument("--since", type=month, required=True, metavar="YYYY-MM", help="The first month.")
        parser.add_argument("--until", type=month, required=True, metavar="YYYY-MM", help="The last month.")
        parser.add_argument("--organization", metavar="SLUG", help="Only jobs on this organization's tokens.")

    def handle(self, *, folder: Path, since: date, until: date, organization: str | None, **options: Any) -> None:
        organization_id = None if organization is None else find_organization(organization).pk
        writer = csv.writer(self.stdout)
        writer.writerow(COLUMNS_OF_ARCHIVES)
        try:
            for line in read_back(folder, since=since, until=until, organization_id=organization_id):
                writer.writerow([neutral(line.get(column)) for column in COLUMNS_OF_ARCHIVES])
        except ValidationError as error:
            raise CommandError(error.message) from None


def find_organization(slug: str) -> Organization:
    try:
        return Organization.objects.get(slug=slug)
    except Organization.DoesNotExist:
        raise CommandError(f"There is no organization {slug}.") from None
