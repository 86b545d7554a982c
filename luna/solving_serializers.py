"""Shapes of models and solve jobs, as the Luna SDK has them."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from solving.models import MAX_NAME, SolveJob, UploadedModel
from solving.services import TokenWish
from solving.turns import jobs_ahead
from tokens.models import TokenScope

TIMEFRAMES = {
    "today": timedelta(),
    "last_week": timedelta(days=7),
    "last_month": timedelta(days=30),
    "last_year": timedelta(days=365),
    "all_time": None,
}
SOURCES = {"inline": None, "personal": TokenScope.PERSONAL, "organization": TokenScope.GROUP}


class PageSerializer(serializers.Serializer):
    limit = serializers.IntegerField(default=50, min_value=1, max_value=1000, help_text="How many at most.")
    offset = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1, help_text="How many to skip.")
    timeframe = serializers.ChoiceField(choices=list(TIMEFRAMES), default="all_time")

    def since(self) -> datetime | None:
        """When the timeframe began; None without one."""
        length = TIMEFRAMES[self.validated_data["timeframe"]]
        midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return None if length is None else midnight - length


class ModelPageSerializer(PageSerializer):
    model_hash = serializers.CharField(required=False, help_text="Finds nothing, so that the SDK uploads its model.")


class JobPageSerializer(PageSerializer):
    model_id = serializers.IntegerField(required=False, min_value=0, max_value=2**63 - 1, help_text="Of this model.")


class ModelSerializer(serializers.ModelSerializer):
    id = serializers.CharField()
    created_date = serializers.DateTimeField(source="created_at")
    created_by = serializers.CharField(source="membership.user.email")

    class Meta:
        model = UploadedModel
        fields = ("id", "created_date", "created_by")


class JobTokenSerializer(serializers.Serializer):
    """A token of the caller's, of the group's, or the secret itself."""

    source = serializers.ChoiceField(choices=list(SOURCES))  # type: ignore[assignment]  # a field's own attribute
    name = serializers.CharField(required=False, allow_null=True, trim_whitespace=False)
    token = serializers.CharField(required=False, allow_null=True, allow_blank=True, write_only=True)

    def validate(self, attrs: dict[str, Any]) -> TokenWish:
        return TokenWish(SOURCES[attrs["source"]], attrs.get("name") or "", attrs.get("token") or "")


class JobTokensSerializer(serializers.Serializer):
    """The SDK sends all secrets that it finds with every job. Those of other providers are not even looked at."""

    dwave = JobTokenSerializer(required=False, allow_null=True)


class JobInSerializer(serializers.Serializer):
    model_id = serializers.IntegerField(min_value=0, max_value=2**63 - 1)
    solver_name = serializers.CharField(max_length=100)
    provider = serializers.CharField(max_length=100)
    parameters = serializers.DictField(default=dict)
    qpu_tokens = JobTokensSerializer(required=False, allow_null=True)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=MAX_NAME)


class JobSerializer(serializers.ModelSerializer):
    id = serializers.CharField()
    status_timeline = serializers.DictField(child=serializers.DateTimeField(), source="timeline")
    error_message = serializers.SerializerMethodField()
    is_cancelable = serializers.SerializerMethodField()
    is_cancellation_requested = serializers.SerializerMethodField()
    solver_job_info = serializers.SerializerMethodField(help_text="What is being done, in words.")
    metadata = serializers.SerializerMethodField()

    class Meta:
        model = SolveJob
        fields = (
            "id",
            "status",
            "status_timeline",
            "error_message",
            "provider",
            "is_cancelable",
            "is_cancellation_requested",
            "solver_job_info",
            "metadata",
        )

    def get_error_message(self, job: SolveJob) -> str | None:
        return job.error_message or None

    def get_is_cancelable(self, job: SolveJob) -> bool:
        return not job.is_finished and job.cancel_requested_at is None

    def get_is_cancellation_requested(self, job: SolveJob) -> bool:
        return job.cancel_requested_at is not None

    def get_solver_job_info(self, job: SolveJob) -> str | None:
        return job.stage or None

    def get_metadata(self, job: SolveJob) -> dict[str, Any]:
        model_id = None if job.model_id is None else str(job.model_id)
        return {"name": job.name, "solver": job.solver, "model_id": model_id, **job.summary}


class OneJobSerializer(JobSerializer):
    """Tells a job that waits how many are before it."""

    def get_solver_job_info(self, job: SolveJob) -> str | None:
        if job.status != SolveJob.Status.REQUESTED:
            return super().get_solver_job_info(job)
        ahead = jobs_ahead(job)
        return f"Waiting for a worker, {ahead} jobs before it." if ahead else "Waiting for a worker."
