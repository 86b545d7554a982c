"""Is everything as it should be?"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lunaportal.doctor import Finding, Level, examine

WIDTH = 16


class Command(BaseCommand):
    help = "Look at everything that this portal needs, and say what to do where something is wrong. Exits 1 if it is."
    requires_system_checks = []  # it tells of them itself, among the rest

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Answer in JSON.")
        parser.add_argument("--ledger", action="store_true", help="Prove the ledger as well, which may take minutes.")
        parser.add_argument("--mail-to", default="", metavar="ADDRESS", help="Send a mail there as well.")

    def handle(self, *, ledger: bool, mail_to: str, **options: Any) -> None:
        found = []
        for name, finding in examine(timezone.now(), mail_to=mail_to, ledger=ledger):
            found.append((name, finding))
            if not options["json"]:
                self.tell(name, finding)
        if options["json"]:
            self.stdout.write(json.dumps([{"check": name, **asdict(finding)} for name, finding in found], indent=2))
        if count := sum(finding.level is Level.FAILED for _, finding in found):
            raise CommandError(f"{count} of {len(found)} checks failed.")

    def tell(self, name: str, finding: Finding) -> None:
        self.stdout.write(f"{finding.level:<8} {name:<{WIDTH}} {finding.message}")
        if finding.advice:
            self.stdout.write(f"{'':<{8 + 1 + WIDTH}} {finding.advice}")
