"""manage.py rotate_encryption_key, for when FIELD_ENCRYPTION_KEY has a new first key."""

from argparse import ArgumentTypeError
from collections import Counter
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import mfa
from encryption.rotation import BATCH_SIZE, rotate_fields


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret with the first key of FIELD_ENCRYPTION_KEY, while the portal goes on running. "
        "Can be interrupted and run again. Once --check passes, the keys after the first are no longer needed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch-size", type=positive, default=BATCH_SIZE, help="Secrets per transaction (%(default)s)."
        )
        parser.add_argument("--check", action="store_true", help="Change nothing; fail if there is something to do.")

    def handle(self, *, batch_size: int, check: bool, **options: Any) -> None:
        read, renewed, unreadable = Counter[str](), Counter[str](), 0
        write = not check
        for batch in chain(rotate_fields(batch_size, write=write), mfa.rotate_secrets(batch_size, write=write)):
            read[batch.column] += batch.read
            renewed[batch.column] += batch.renewed
            unreadable += len(batch.unreadable)
            for pk in batch.unreadable:
                self.stderr.write(f"{batch.column}: no key opens the one with primary key {pk}")
            done = "to re-encrypt" if check else "re-encrypted"
            self.stdout.write(f"{batch.column}: {read[batch.column]} read, {renewed[batch.column]} {done}")

        if unreadable:
            raise CommandError(
                f"No key opens {unreadable} of {read.total()} secrets; they are as they were. "
                "Add the keys that they were encrypted with to the end of FIELD_ENCRYPTION_KEY and run this again."
            )
        if check and renewed.total():
            raise CommandError(f"{renewed.total()} of {read.total()} secrets are not under the first key.")
