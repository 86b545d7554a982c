"""Tidy up now."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from lunaportal.upkeep import tidy


class Command(BaseCommand):
    help = "Delete sessions, invitations, API keys and failed tasks that have ended. The worker does so once a day."

    def handle(self, **options: Any) -> None:
        for kind, count in tidy(timezone.now()).items():
            self.stdout.write(f"{kind}: {count} deleted")
