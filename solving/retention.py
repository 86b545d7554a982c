"""What is not kept for ever: finished jobs with their results, and models that nobody uses."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from .models import SolveJob, UploadedModel

BATCH = 200  # rows that go at once, so that nothing waits for long


def forget_old(now: datetime) -> None:
    """Remove a batch of what the operator's settings keep no longer. What jobs cost stays on the ledger."""
    if days := settings.SOLVING_KEEP_JOBS_DAYS:
        forget_jobs(ended_before=now - timedelta(days=days))
    if days := settings.SOLVING_KEEP_MODELS_DAYS:
        forget_models(unused_since=now - timedelta(days=days))


@transaction.atomic
def forget_jobs(*, ended_before: datetime) -> None:
    old = SolveJob.objects.filter(ended_at__lt=ended_before).order_by("ended_at")[:BATCH]
    ids = SolveJob.objects.filter(pk__in=list(old.values_list("pk", flat=True))).lock()
    SolveJob.objects.filter(pk__in=ids).delete()


@transaction.atomic
def forget_models(*, unused_since: datetime) -> None:
    on_it = SolveJob.objects.unfinished().filter(model=OuterRef("pk"))
    unused = UploadedModel.objects.filter(~Exists(on_it), used_at__lt=unused_since)
    ids = list(unused.order_by("used_at").values_list("pk", flat=True)[:BATCH])
    SolveJob.objects.filter(model__in=ids).lock()  # before models, as everybody does
    # What somebody else is at is left for the next time; so is what is uploaded or used again since.
    free = unused.filter(pk__in=ids).order_by("pk").select_for_update(skip_locked=True)
    UploadedModel.objects.filter(pk__in=list(free.values_list("pk", flat=True))).delete()
