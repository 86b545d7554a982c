"""Signs of life of the processes that answer nobody's requests."""

from datetime import datetime

from django.db import models
from django.utils import timezone


class Heartbeat(models.Model):
    """When a kind of process has last done its round, whichever of its processes that was."""

    class Process(models.TextChoices):
        RECONCILER = "reconciler", "manage.py reconcile"
        SOLVER = "solver", "manage.py solve"
        WORKER = "worker", "manage.py qcluster"
        TIDY = "tidy", "manage.py tidy, which the worker runs daily"

    process = models.CharField(max_length=20, choices=Process, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.process} at {self.seen_at:%Y-%m-%d %H:%M:%S}"


def beat(process: Heartbeat.Process, now: datetime) -> None:
    """Note that a process has done its round, in one statement."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(process=process, seen_at=now)],
        update_conflicts=True,
        unique_fields=["process"],
        update_fields=["seen_at"],
    )


def beat_of_worker() -> None:
    """What the worker runs every minute: it shows that tasks are scheduled, queued and done."""
    beat(Heartbeat.Process.WORKER, timezone.now())
