"""What the gateway remembers of problems and uploads: whose they are, and what became of them."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from organizations.models import Membership
from quotas.models import Usage
from tokens.models import QpuToken


class ProblemQuerySet(models.QuerySet["Problem"]):
    def of(self, member: Membership, token: QpuToken) -> Self:
        """The problems that a member has sent through a token: all that they can reach."""
        return self.filter(usage__user_id=member.user_id, usage__token_id=token.pk)

    def unsettled(self) -> Self:
        return self.filter(usage__status=Usage.Status.RESERVED)


class Problem(models.Model):
    """A problem that was sent to D-Wave, beside its line in the ledger."""

    usage = models.OneToOneField("quotas.Usage", models.CASCADE, primary_key=True, related_name="problem")
    endpoint = models.CharField(max_length=200, help_text="Where it was sent.")
    secret_version = models.PositiveIntegerField(default=1, help_text="Which of the token's secrets it was sent with.")
    upstream_id = models.CharField(max_length=100, blank=True, help_text="Empty until D-Wave's answer is seen.")
    type = models.CharField(max_length=10)
    solver = models.JSONField(help_text="As submitted: name and version.")
    conversion_rate = models.FloatField(default=1, help_text="Solver time that D-Wave deducts one unit for.")
    label = models.CharField(max_length=1024, blank=True, help_text="The sender's, without our marker.")
    status = models.CharField(max_length=20, blank=True, help_text="What D-Wave said last.")
    submitted_on = models.CharField(max_length=40, blank=True)
    solved_on = models.CharField(max_length=40, blank=True)
    booked_at = models.DateTimeField(default=timezone.now, help_text="When it was ready to be sent.")
    seen_at = models.DateTimeField(help_text="When D-Wave last said something about it.")
    look_again_at = models.DateTimeField(
        null=True, help_text="When to look again whether it runs after all, though it was given back as lost."
    )

    objects: ClassVar[ProblemQuerySet] = ProblemQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "upstream_id"], condition=~Q(upstream_id=""), name="one_row_per_upstream_problem"
            ),
        ]
        indexes = [
            models.Index(fields=["upstream_id"], name="problem_by_upstream_id"),
            models.Index(
                fields=["look_again_at"], condition=Q(look_again_at__isnull=False), name="problem_to_look_for"
            ),
        ]

    def __str__(self) -> str:
        return self.upstream_id or f"(not accepted yet) {self.pk}"


class TokenRules(models.Model):
    """What jobs on a token may be, beside its quotas; a token without rules lets through what the provider takes."""

    token = models.OneToOneField("tokens.QpuToken", models.CASCADE, primary_key=True, related_name="rules")
    solvers = models.JSONField(
        default=list, blank=True, help_text="Names of the solvers that may be used; all if empty."
    )
    max_estimate_ns = models.BigIntegerField(null=True, blank=True, help_text="What one job may reserve at most.")
    max_open_problems = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many problems of one member may be open at once."
    )

    class Meta:
        verbose_name_plural = "token rules"
        constraints = [
            models.CheckConstraint(condition=Q(max_estimate_ns__gte=1), name="largest_job_is_positive"),
            models.CheckConstraint(condition=Q(max_open_problems__gte=1), name="most_open_problems_are_positive"),
        ]

    def __str__(self) -> str:
        return f"rules of {self.token}"

    def allows(self, solver: str) -> bool:
        return not self.solvers or solver in self.solvers


class Upload(models.Model):
    """Data that a member has uploaded for hybrid problems."""

    upstream_id = models.CharField(max_length=100)
    token_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upstream_id", "token_id"], name="one_owner_per_upload")]

    def __str__(self) -> str:
        return self.upstream_id
