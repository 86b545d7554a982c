"""Bring stored secrets under the first key of FIELD_ENCRYPTION_KEY, while the portal runs.

In batches, each of them one short transaction: interrupted, it keeps what it has reported; run again, it goes on, and
does nothing where nothing is left to do. What the portal stores meanwhile is not overwritten.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Expression, ExpressionWrapper, F, QuerySet

from .fields import DecryptionError, EncryptedTextField, decrypt, under_first_key

BATCH_SIZE = 200


@dataclass(frozen=True)
class Progress:
    """What one batch came to: counts of values, and the primary keys of those that no key opens."""

    column: str
    read: int
    renewed: int
    unreadable: list[Any]


@dataclass(frozen=True)
class Column:
    """A column that holds what encrypt() made, alone or among other things.

    `renew` is given each value in turn, as the field or else the expression `stored` reads it. It returns the value to
    store instead, or None to leave it, or raises DecryptionError.
    """

    field: "models.Field[Any, Any]"
    renew: Callable[[Any], Any]
    stored: Expression | None = None

    def rotate(self, batch_size: int = BATCH_SIZE, *, write: bool = True) -> Iterator[Progress]:
        """Renew all values, batch by batch; without `write`, count those to renew. Yields at least once."""
        for batch in self._batches(batch_size):
            begun = monotonic()
            progress = self._rotate_batch(batch, write)
            # SQLite has one write lock, and who waits for it looks only now and then. Leave it free half of the time.
            sleep(monotonic() - begun)
            yield progress

    @property
    def _rows(self) -> QuerySet[Any]:
        stored = self.stored or F(self.field.name)
        rows: QuerySet[Any] = QuerySet(self.field.model).annotate(stored=stored).filter(stored__isnull=False)
        return rows

    def _batches(self, size: int) -> Iterator[list[tuple[Any, Any]]]:
        rows = self._rows.order_by("pk").values_list("pk", "stored")
        page = rows
        while len(batch := list(page[:size])) == size:
            yield batch
            page = rows.filter(pk__gt=batch[-1][0])
        yield batch

    @transaction.atomic
    def _rotate_batch(self, batch: list[tuple[Any, Any]], write: bool) -> Progress:
        renewed, unreadable = 0, []
        for pk, stored in batch:
            try:
                renewed += self._rotate_value(pk, stored, write)
            except DecryptionError:
                unreadable.append(pk)
        return Progress(str(self.field), len(batch), renewed, unreadable)

    def _rotate_value(self, pk: Any, stored: Any, write: bool) -> bool:
        """Whether the value was not under the first key."""
        renewed = self.renew(stored)
        if renewed is None:
            return False
        if not write or self._rows.filter(pk=pk, stored=stored).update(**{self.field.name: renewed}):
            return True
        # The portal has stored something else since the batch was read, or deleted the row.
        current = self._rows.filter(pk=pk).values_list("stored", flat=True).first()
        return current is not None and self._rotate_value(pk, current, write)


def rotate_fields(batch_size: int = BATCH_SIZE, *, write: bool = True) -> Iterator[Progress]:
    """Rotate every EncryptedTextField there is."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField):
                ciphertext = ExpressionWrapper(F(field.name), models.TextField())  # no decryption on its way
                yield from Column(field, _renew_text, ciphertext).rotate(batch_size, write=write)


def _renew_text(ciphertext: str) -> str | None:
    return None if under_first_key(ciphertext) else decrypt(ciphertext)  # which the field encrypts again
