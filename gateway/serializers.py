"""The shape of rules and problems in the REST API. Durations are nanoseconds, named so: `…_ns`."""

from rest_framework import serializers

from organizations.fields import ListField
from quotas.models import Usage
from quotas.policies import MAX_NS

from .cancel import Outcome
from .models import TokenRules
from .rules import MAX_OPEN_PROBLEMS, MAX_SOLVERS


class RulesSerializer(serializers.ModelSerializer):
    solvers = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Solvers that may be used; all, if there are none."
    )

    class Meta:
        model = TokenRules
        fields = ("solvers", "max_estimate_ns", "max_open_problems")


class ChangeRulesSerializer(serializers.Serializer):
    """What is left out stays. Null takes a limit away, an empty list allows all solvers."""

    solvers = ListField(child=serializers.CharField(), required=False, max_length=MAX_SOLVERS)
    max_estimate_ns = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_NS)
    max_open_problems = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MAX_OPEN_PROBLEMS
    )


class ProblemSerializer(serializers.ModelSerializer):
    """A line of the ledger together with its problem. Wants the view in its context, to know who looks."""

    dwave_id = serializers.CharField(
        source="problem.upstream_id", read_only=True, help_text="Empty until D-Wave has confirmed the problem."
    )
    type = serializers.CharField(source="problem.type", read_only=True)
    label = serializers.SerializerMethodField(help_text="The sender's own; null to everybody else.")  # type: ignore[assignment]
    status = serializers.CharField(
        source="problem.status", read_only=True, help_text="What D-Wave said last; empty before that."
    )
    is_open = serializers.SerializerMethodField(help_text="Whether what it reserved is still held.")
    submitted_on = serializers.CharField(source="problem.submitted_on", read_only=True, help_text="In D-Wave's words.")
    solved_on = serializers.CharField(source="problem.solved_on", read_only=True, help_text="In D-Wave's words.")

    class Meta:
        model = Usage
        fields = (
            "id",
            "dwave_id",
            "user_email",
            "token_id",
            "token_name",
            "source",
            "solver",
            "type",
            "label",
            "status",
            "is_open",
            "estimate_ns",
            "access_time_ns",
            "created_at",
            "submitted_on",
            "solved_on",
            "closed_at",
        )

    def get_label(self, usage: Usage) -> str | None:
        is_mine = usage.user_id == self.context["view"].membership.user_id
        return usage.problem.label if is_mine else None

    def get_is_open(self, usage: Usage) -> bool:
        return usage.status == Usage.Status.RESERVED


class CancellationSerializer(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    message = serializers.CharField(help_text="The same in words.")
