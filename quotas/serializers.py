"""The shape of quotas, decisions and usage in the REST API. Durations are nanoseconds, named so: `…_ns`."""

from datetime import UTC
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import normalize_email
from organizations.fields import ListField
from organizations.models import Membership

from .assignments import Outlook
from .forms import MOST_PEOPLE
from .models import RefusedJobs, TimeQuotaPolicy, Usage
from .policies import MAX_NS, Decision, Reason, Subject, decide


class LimitSerializer(serializers.Serializer):
    """A policy as somebody whom it limits sees it."""

    subject = serializers.ChoiceField(choices=[(value, value) for value in Subject], read_only=True)
    quota_ns = serializers.IntegerField(read_only=True)
    used_ns = serializers.IntegerField(read_only=True, help_text="Spent by jobs that have ended.")
    reserved_ns = serializers.IntegerField(read_only=True, help_text="Held by open jobs.")
    left_ns = serializers.IntegerField(read_only=True, help_text="quota less used and reserved, at least 0.")
    starts_at = serializers.DateTimeField(source="window.starts_at", read_only=True)
    ends_at = serializers.DateTimeField(source="window.ends_at", read_only=True)


class QuotaSerializer(serializers.ModelSerializer):
    """A policy as admins see it."""

    subject = serializers.ChoiceField(choices=[(value, value) for value in Subject], read_only=True)
    user = serializers.EmailField(source="member.user.email", default=None, allow_null=True, read_only=True)
    left_ns = serializers.IntegerField(source="limit.left_ns", read_only=True)

    class Meta:
        model = TimeQuotaPolicy
        fields = ("id", "subject", "user", "quota_ns", "used_ns", "reserved_ns", "left_ns", "starts_at", "ends_at")


class AssignQuotaSerializer(serializers.Serializer):
    quota_ns = serializers.IntegerField(min_value=0, max_value=MAX_NS)
    starts_at = serializers.DateTimeField(
        default=None, allow_null=True, default_timezone=UTC, source="start", help_text="Now, if null."
    )
    ends_at = serializers.DateTimeField(
        default=None,
        allow_null=True,
        default_timezone=UTC,
        source="end",
        help_text="As long as the organization's `default_quota_days` say, if null.",
    )


class UserQuotaSerializer(AssignQuotaSerializer):
    user = serializers.EmailField(help_text="Email address of a member.")
    quota_ns = serializers.IntegerField(
        min_value=0, max_value=MAX_NS, default=None, allow_null=True, help_text="As for all, if null."
    )

    def validate_user(self, value: str) -> str:
        return normalize_email(value)


class AssignQuotasSerializer(AssignQuotaSerializer):
    """What holds for all; `users` may say otherwise for single ones."""

    quota_ns = serializers.IntegerField(min_value=0, max_value=MAX_NS, default=None, allow_null=True)
    whom = serializers.ChoiceField(
        choices=["users", "without", "everybody"], default="users", help_text="without: who has no quota."
    )
    users = ListField(child=UserQuotaSerializer(), default=list, max_length=MOST_PEOPLE)
    preview = serializers.BooleanField(default=False, help_text="Only tell what would change.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["whom"] != "users" and attrs["users"]:
            raise serializers.ValidationError({"users": "Leave this out, or leave out `whom`."})
        emails = [wish["user"] for wish in attrs["users"]]
        if len(set(emails)) != len(emails):
            raise serializers.ValidationError({"users": "Somebody is named twice."})
        quotas = [wish["quota_ns"] for wish in attrs["users"]] if attrs["whom"] == "users" else [None]
        if attrs["quota_ns"] is None and None in quotas:
            raise serializers.ValidationError({"quota_ns": "Say how much each gets, here or for each user."})
        return attrs


class AssignmentSerializer(serializers.Serializer):
    user = serializers.EmailField(source="member.user.email")
    outlook = serializers.ChoiceField(choices=[(value, value) for value in Outlook])
    quota_ns = serializers.IntegerField()
    starts_at = serializers.DateTimeField(source="window.starts_at")
    ends_at = serializers.DateTimeField(source="window.ends_at")


class AssignedSerializer(serializers.Serializer):
    is_preview = serializers.BooleanField()
    changed = serializers.IntegerField(help_text="How many quotas are, or would be, new or changed.")
    quotas = AssignmentSerializer(many=True)


class ChangeQuotaSerializer(AssignQuotaSerializer):
    """Null, or left out: unchanged."""

    quota_ns = serializers.IntegerField(min_value=0, max_value=MAX_NS, default=None, allow_null=True)


class RefusalSerializer(serializers.Serializer):
    subject = serializers.ChoiceField(
        choices=[(value, value) for value in Subject], source="limit.subject", help_text="Whose policy refuses."
    )
    reason = serializers.ChoiceField(choices=[(value, value) for value in Reason])
    message = serializers.CharField(source="__str__")
    needed_ns = serializers.IntegerField()
    left_ns = serializers.IntegerField(source="limit.left_ns")
    changes_at = serializers.DateTimeField(allow_null=True, help_text="When it changes by itself, if it does.")


class DecisionSerializer(serializers.Serializer):
    allowed = serializers.BooleanField()
    needed_ns = serializers.IntegerField()
    left_ns = serializers.IntegerField(allow_null=True, help_text="What all policies leave together; null: no limit.")
    limits = LimitSerializer(many=True)
    refusals = RefusalSerializer(many=True)


class UsageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Usage
        fields = (
            "id",
            "status",
            "user_email",
            "token_id",
            "token_name",
            "source",
            "solver",
            "estimate_ns",
            "access_time_ns",
            "created_at",
            "closed_at",
        )


class RefusedJobsSerializer(serializers.ModelSerializer):
    message = serializers.CharField(source="get_reason_display", read_only=True, help_text="The reason in words.")

    class Meta:
        model = RefusedJobs
        fields = (
            "id",
            "day",
            "user_email",
            "token_id",
            "token_name",
            "source",
            "solver",
            "reason",
            "message",
            "jobs",
            "first_at",
            "last_at",
            "needed_ns",
            "left_ns",
            "changes_at",
        )


class OpenJobsSerializer(serializers.Serializer):
    jobs = serializers.IntegerField(help_text="How many.")
    reserved_ns = serializers.IntegerField(help_text="What they hold together.")


class TimeLeftSerializer(serializers.Serializer):
    left_ns = serializers.IntegerField(
        source="decision.left_now_ns",
        allow_null=True,
        help_text="What my next job may take: 0 while a quota is not in force; null: no limit.",
    )
    binding = LimitSerializer(
        source="decision.binding", allow_null=True, help_text="The quota that says so; it ends at its `ends_at`."
    )
    limits = LimitSerializer(source="decision.limits", many=True)
    refusals = RefusalSerializer(
        source="decision.refusals", many=True, help_text="Why not even the smallest job would be let through."
    )
    open = OpenJobsSerializer(help_text="My jobs that have not ended.")
    last_jobs = UsageSerializer(many=True, help_text="My last ten that ended and cost something, newest first.")


class TokenUserSerializer(serializers.ModelSerializer):
    """A member who may use a token. Wants in its context `group_limits` and `now`; in each row `quotas_on_token`."""

    email = serializers.EmailField(source="user.email", read_only=True)
    quota = serializers.SerializerMethodField()
    left_ns = serializers.SerializerMethodField(help_text="What group and own quota leave together; null: no limit.")
    can_run = serializers.SerializerMethodField(help_text="Whether a job of the smallest size would be let through.")

    class Meta:
        model = Membership
        fields = ("id", "email", "role", "quota", "left_ns", "can_run")

    def decision(self, member: Membership) -> Decision:
        own = [policy.limit for policy in member.quotas_on_token]  # type: ignore[attr-defined]
        return decide([*self.context["group_limits"], *own], needed_ns=1, now=self.context["now"])

    @extend_schema_field(LimitSerializer(allow_null=True))
    def get_quota(self, member: Membership) -> dict[str, object] | None:
        own = member.quotas_on_token  # type: ignore[attr-defined]
        return LimitSerializer(own[0].limit).data if own else None

    def get_left_ns(self, member: Membership) -> int | None:
        return self.decision(member).left_ns

    def get_can_run(self, member: Membership) -> bool:
        return self.decision(member).allowed
