"""Prove the ledger."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from quotas.models import TimeQuotaPolicy
from quotas.proof import mismatches


class Command(BaseCommand):
    help = "Prove that every policy's counters are the sums of its usage rows. Exits 1 where one is not."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            see_one_moment()
            found = list(mismatches())
            policies = TimeQuotaPolicy.objects.count()
        for mismatch in found:
            self.stderr.write(str(mismatch))
        if found:
            sys.exit(1)
        self.stdout.write(f"The ledger is true: {policies} policies proven.")


def see_one_moment() -> None:
    """Let all queries of this transaction see the same state, while jobs go on booking."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
