"""Does FIELD_ENCRYPTION_KEY fit this database? Asked before serving, by readiness, and by `migrate`."""

from .fields import DecryptionError
from .models import SONG, Canary


class CanaryError(Exception):
    """The database and FIELD_ENCRYPTION_KEY do not belong together. Says what to do about it."""


def verify() -> None:
    """Return if the configured keys open the canary, else raise CanaryError. Lets errors of the database through."""
    try:
        song = Canary.objects.values_list("song", flat=True).get()
    except DecryptionError as error:
        raise CanaryError(f"FIELD_ENCRYPTION_KEY does not fit this database. {error}") from None
    except Canary.DoesNotExist:
        raise CanaryError(
            "The encryption canary is missing: the database was emptied, or restored in part. Restore it whole. "
            "If it holds no secrets, run: manage.py migrate --skip-checks encryption 0001; manage.py migrate."
        ) from None
    if song != SONG:
        raise CanaryError("The encryption canary was tampered with: restore the table encryption_canary from a backup.")
