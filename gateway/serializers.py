"""The shape of rules and problems in the REST API. Durations are nanoseconds, named so: `…_ns`."""

from rest_framework import serializers

from quotas.policies import MAX_NS

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

    solvers = serializers.ListField(child=serializers.CharField(), required=False, max_length=MAX_SOLVERS)
    max_estimate_ns = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_NS)
    max_open_problems = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MAX_OPEN_PROBLEMS
    )
