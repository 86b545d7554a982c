"""Prove the ledger."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from quotas import daily, proof


class Command(BaseCommand):
    help = "Prove that every policy's counters, and every day of a chart, are the sums of usage rows. Exits 1 if not."

    def handle(self, *args: Any, **options: Any) -> None:
        policies, mismatches = proof.prove()
        days, wrong_days = daily.prove()
        if mismatches or wrong_days:
            raise CommandError("\n".join(["The ledger is not true:", *map(str, [*mismatches, *wrong_days])]))
        self.stdout.write(f"The ledger is true. Policies proven: {policies}. Rows of days: {days}.")
