"""What is not kept for ever: finished jobs with their results, and models that nobody uses."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from .models import SolveJob, UploadedModel

BATCH = 200  # rows that go at once, so that nothing waits for long


def forget_old(now: datetime) -> None:
    """Remove a batch of what the operator's settings keep no longer. What jobs cost stays on the ledger."""
    if days := settings.SOLVING_KEEP_JOBS_DAYS:
        remove(SolveJob.objects.filter(ended_at__lt=now - timedelta(days=days)).order_by("ended_at"))
    if days := settings.SOLVING_KEEP_MODELS_DAYS:
        on_it = SolveJob.objects.unfinished().filter(model=OuterRef("pk"))
        unused = UploadedModel.objects.filter(~Exists(on_it), used_at__lt=now - timedelta(days=days))
        remove(unused.order_by("used_at"))


def remove(rows: QuerySet[SolveJob] | QuerySet[UploadedModel]) -> None:
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    rows.filter(pk__in=ids).delete()
