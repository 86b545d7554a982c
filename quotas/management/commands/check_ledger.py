"""Prove the ledger."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from quotas.proof import prove


class Command(BaseCommand):
    help = "Prove that every policy's counters are the sums of its usage rows. Exits 1 where one is not."

    def handle(self, *args: Any, **options: Any) -> None:
        policies, mismatches = prove()
        if mismatches:
            raise CommandError("\n".join(["The ledger is not true:", *map(str, mismatches)]))
        self.stdout.write(f"The ledger is true. Policies proven: {policies}.")
