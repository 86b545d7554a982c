"""Models that members have uploaded, and the jobs that solve them. Each belongs to one member, and is nobody else's."""

import json
from datetime import datetime
from typing import Any, Self

from django.db import connections, models
from django.db.models import Q

from organizations.models import Membership

MAX_NAME = 200
MOST_ATTEMPTS = 3  # a job at which workers die is not tried for ever


def size_of(value: Any) -> int:
    """How many bytes a value takes in a column of JSON."""
    return len(json.dumps(value))


class UploadedModelManager(models.Manager["UploadedModel"]):
    def get_queryset(self) -> models.QuerySet["UploadedModel"]:
        return super().get_queryset().defer("data")


class UploadedModel(models.Model):
    """A model as the SDK has serialized it. The portal keeps it as it came, and reads it only in the engine."""

    membership = models.ForeignKey("organizations.Membership", models.CASCADE, related_name="models")
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    size = models.PositiveIntegerField(help_text="Bytes.")
    facts = models.JSONField(default=dict, help_text="What the engine has told of it: name, numbers of things.")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(help_text="When it was last uploaded, or a job on it submitted.")

    objects = UploadedModelManager()

    class Meta:
        verbose_name = "model"
        indexes = [models.Index(fields=["used_at"], name="model_by_last_use")]
        constraints = [models.UniqueConstraint(fields=["membership", "sha256"], name="one_row_per_model_of_a_member")]

    def __str__(self) -> str:
        return str(self.facts.get("name") or f"model {self.pk}")


class SolveJobQuerySet(models.QuerySet["SolveJob"]):
    def of(self, member: Membership) -> Self:
        return self.filter(membership=member)

    def of_organization(self, member: Membership) -> Self:
        """Everybody's that take what is not their own: on tokens of the member's organization, or on our machines."""
        here = self.filter(membership__in=member.organization.memberships.all())
        return here.filter(Q(usage__organization_id=member.organization_id) | Q(usage=None, qpu=""))

    def with_costs(self) -> Self:
        """With their models and lines of the ledger, as far as lists show them."""
        return self.select_related("model", "usage").defer("model__data", "parameters", "chains")

    def waiting(self) -> Self:
        return self.filter(status=SolveJob.Status.REQUESTED)

    def running(self) -> Self:
        return self.filter(status=SolveJob.Status.IN_PROGRESS)

    def unfinished(self) -> Self:
        return self.filter(status__in=[SolveJob.Status.REQUESTED, SolveJob.Status.IN_PROGRESS])

    def in_turn(self) -> Self:
        """What waits, of one organization: next first."""
        return self.waiting().order_by("turn", "pk")

    def fallen(self, now: datetime) -> Self:
        """What a worker that is gone has let fall."""
        return self.running().filter(lease_ends_at__lt=now, attempts__lt=MOST_ATTEMPTS).order_by("pk")

    def held_by(self, worker: str) -> Self:
        return self.running().filter(worker=worker)

    def locked(self) -> Self:
        """Nobody else's to change until the transaction ends.

        Who locks several jobs locks them in this order, and before policies; or two may wait for each other.
        """
        return self.order_by("pk").select_for_update(no_key=True)

    def lock(self) -> list[int]:
        """Lock them, in this order, and tell their ids."""
        return list(self.locked().values_list("pk", flat=True))


def cascade_to_locked(collector: Any, field: models.ForeignKey, jobs: models.QuerySet, using: str) -> None:
    """CASCADE for jobs that workers end meanwhile: locks them before anything goes, such as policies of theirs."""
    if connections[using].in_atomic_block:
        SolveJob.objects.using(using).filter(pk__in=jobs.values("pk")).lock()
    models.CASCADE(collector, field, jobs, using)


class SolveJobManager(models.Manager["SolveJob"]):
    def get_queryset(self) -> models.QuerySet["SolveJob"]:
        return super().get_queryset().defer("result")


class SolveJob(models.Model):
    """One run of a solver on a model. A worker holds it by a lease, which it renews as long as it lives."""

    class Status(models.TextChoices):
        # The SDK knows more, but its older releases do not, and it never stops asking for a job that is TIMEOUT.
        REQUESTED = "REQUESTED", "Waiting"
        IN_PROGRESS = "IN_PROGRESS", "Running"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"
        CANCELED = "CANCELED", "Canceled"

    membership = models.ForeignKey("organizations.Membership", cascade_to_locked, related_name="solve_jobs")
    organization = models.ForeignKey(
        "organizations.Organization",
        models.CASCADE,
        related_name="solve_jobs",
        db_index=False,
        help_text="The membership's, to be found at once.",
    )
    model = models.ForeignKey(UploadedModel, models.SET_NULL, null=True, related_name="solve_jobs")
    name = models.CharField(max_length=MAX_NAME, blank=True)
    provider = models.CharField(max_length=20)
    solver = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict, help_text="As checked. No secrets.")
    # Workers lock jobs before policies. Deleting a token would lock them after, so it leaves jobs alone.
    token = models.ForeignKey(
        "tokens.QpuToken",
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="solve_jobs",
        help_text="What it runs on; perhaps deleted since.",
    )
    qpu = models.CharField(max_length=100, blank=True, help_text="D-Wave's name of the solver that it runs on.")
    usage = models.OneToOneField("quotas.Usage", models.SET_NULL, null=True, related_name="solve_job")
    status = models.CharField(max_length=20, choices=Status, default=Status.REQUESTED)
    turn = models.BigIntegerField(
        default=0, help_text="Which of its organization's waiting jobs is next: the one of the lowest turn."
    )
    stage = models.CharField(max_length=100, blank=True, help_text="What is being done, in words.")
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=32, blank=True, help_text="Who holds it.")
    lease_ends_at = models.DateTimeField(null=True, help_text="From then on another worker may take it.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How many workers have begun it.")
    chains = models.JSONField(null=True, help_text="Qubits of each variable, once they are chosen.")
    json_size = models.PositiveIntegerField(default=0, db_default=0, help_text="Bytes of its parameters and chains.")
    result = models.BinaryField(null=True, help_text="The solution as luna_model serializes it.")
    result_size = models.PositiveIntegerField(default=0, help_text="Bytes.")
    with_timing = models.BooleanField(
        default=True, help_text="Whether the solution tells how long it took, which SDKs before 1.2 cannot read."
    )
    summary = models.JSONField(default=dict, help_text="What the engine has told of the solution.")
    runtime_ns = models.BigIntegerField(null=True, help_text="How long the solver itself took.")

    objects = SolveJobManager.from_queryset(SolveJobQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["membership", "id"], name="solve_job_of_member"),
            models.Index(
                fields=["id"], condition=Q(status__in=["REQUESTED", "IN_PROGRESS"]), name="solve_job_unfinished"
            ),
            models.Index(
                fields=["organization", "turn", "id"], condition=Q(status="REQUESTED"), name="solve_job_in_turn"
            ),
            models.Index(fields=["membership", "turn"], condition=Q(status="REQUESTED"), name="solve_job_waiting"),
            models.Index(fields=["organization", "started_at"], name="solve_job_begun"),
            models.Index(fields=["ended_at"], name="solve_job_ended"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="REQUESTED", started_at=None, ended_at=None)
                | Q(status="IN_PROGRESS", started_at__isnull=False, ended_at=None)
                | Q(status__in=["DONE", "FAILED", "CANCELED"], ended_at__isnull=False),
                name="solve_job_has_a_possible_state",
            ),
            models.CheckConstraint(
                condition=~Q(status="DONE") | Q(result__isnull=False), name="solve_job_that_is_done_has_a_result"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"job {self.pk}"

    @property
    def is_finished(self) -> bool:
        return self.status not in {self.Status.REQUESTED, self.Status.IN_PROGRESS}

    @property
    def timeline(self) -> dict[str, datetime]:
        """When it came into each of its states."""
        moments = {
            self.Status.REQUESTED: self.created_at,
            self.Status.IN_PROGRESS: self.started_at,
            self.Status(self.status): self.ended_at,
        }
        return {str(status): moment for status, moment in moments.items() if moment}
