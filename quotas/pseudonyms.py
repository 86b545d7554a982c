"""Takes people's addresses out of the ledger. Every line and every sum stays."""

from django.db import transaction

from . import daily
from .models import ArchivedUsage, RefusedJobs, Usage


def pseudonym_of(user_id: int) -> str:
    """What stands in the place of somebody's address: tells their lines from others', and no more."""
    return f"erased-{user_id}@erased.invalid"


@transaction.atomic
def pseudonymize(*, user_id: int) -> None:
    """Forget whose lines these are. Nothing of theirs may be open. Files of the archive are left as they are."""
    for model in (Usage, ArchivedUsage, RefusedJobs):
        model.objects.filter(user_id=user_id).update(user_email=pseudonym_of(user_id))
    daily.rebuild(user_id)  # an update would not do: rows under former addresses become one
