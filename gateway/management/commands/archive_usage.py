"""Keep the ledger small."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from gateway.models import Problem
from quotas.archive import archive

OF_PROBLEMS = ("upstream_id", "endpoint", "type", "status", "submitted_on", "solved_on")


class Command(BaseCommand):
    help = (
        "Move jobs that ended before a month from the ledger into compressed files. Quotas, charts and check_ledger "
        "stay as they are; lists of jobs lose these jobs. Can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", type=month, required=True, metavar="YYYY-MM", help="The first month to keep.")
        parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="Where the files go.")

    def handle(self, *, before: date, to: Path, **options: Any) -> None:
        if not to.is_dir():
            raise CommandError(f"{to} is no folder.")
        files = lines = 0
        try:
            for written in archive(before=before, folder=to, beside=known_of_problems, now=timezone.now()):
                files, lines = files + 1, lines + written.lines
                self.stdout.write(f"{written.file}: {written.lines} jobs, {written.settled_ns} ns")
        except ValidationError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Archived: {lines} jobs in {files} files.")


def month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise argparse.ArgumentTypeError("must look like 2026-01.") from None


def known_of_problems(usage_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """What tells of the problems at D-Wave, so that an old bill can still be compared with the ledger."""
    problems = Problem.objects.filter(pk__in=usage_ids).values("pk", *OF_PROBLEMS)
    return {row.pop("pk"): {f"problem_{name}": value for name, value in row.items()} for row in problems}
