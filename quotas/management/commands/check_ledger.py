"""Prove the ledger."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from quotas import archive, daily, proof, rollups


class Command(BaseCommand):
    help = "Prove that every policy's counters, and every day of a chart, are the sums of usage rows. Exits 1 if not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--archive", type=Path, metavar="DIR", help="Prove the files of archive_usage as well.")

    def handle(self, **options: Any) -> None:
        policies, mismatches = proof.prove()
        days, wrong_days = daily.prove()
        wrong_rollups = rollups.prove()
        files, wrong_files = archive.prove(options["archive"]) if options["archive"] else (0, [])
        if wrong := [*mismatches, *wrong_days, *wrong_rollups, *wrong_files]:
            raise CommandError("\n".join(["The ledger is not true:", *map(str, wrong)]))
        proven = f" Files of the archive: {files}." if options["archive"] else ""
        self.stdout.write(f"The ledger is true. Policies proven: {policies}. Rows of days: {days}.{proven}")
