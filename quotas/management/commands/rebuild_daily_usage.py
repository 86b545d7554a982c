"""Write anew what charts are drawn from."""

from typing import Any

from django.core.management.base import BaseCommand

from quotas import daily


class Command(BaseCommand):
    help = "Add up the ledger by day anew, should check_ledger find a wrong day. Settlements wait meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Rows of days: {daily.rebuild()}.")
