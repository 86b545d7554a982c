"""Shapes of the Luna SDK. It forbids unknown keys where it says so, so there is nothing here that it does not know."""

from datetime import UTC

from rest_framework import serializers

from accounts.models import User
from quotas.models import TimeQuotaPolicy
from quotas.policies import MAX_NS
from tokens.models import SDK_SCOPES, Provider, QpuToken

MAX_LIST = 1000


class UserSerializer(serializers.ModelSerializer):
    groups = serializers.ListField(child=serializers.CharField())
    orgs = serializers.ListField(child=serializers.CharField(), help_text="The organization that the API key acts for.")

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "groups", "orgs")


class TokenInSerializer(serializers.Serializer):
    name = serializers.CharField(trim_whitespace=False)
    provider = serializers.ChoiceField(choices=Provider.choices)
    token = serializers.CharField(write_only=True, source="secret")


class TokenOutSerializer(serializers.ModelSerializer):
    """Unknown keys forbidden by the SDK."""

    provider = serializers.ChoiceField(choices=Provider.choices)

    class Meta:
        model = QpuToken
        fields: tuple[str, ...] = ("name", "provider")


class QuotaOutSerializer(serializers.ModelSerializer):
    quota = serializers.IntegerField(source="quota_ns", help_text="Nanoseconds of QPU access time.")
    quota_used = serializers.IntegerField(source="used_ns", help_text="Nanoseconds of jobs that have ended.")
    start = serializers.DateTimeField(source="starts_at")
    end = serializers.DateTimeField(source="ends_at")

    class Meta:
        model = TimeQuotaPolicy
        fields = ("quota", "start", "end", "quota_used")


class QuotaInSerializer(serializers.Serializer):
    """Times without a zone are UTC: the SDK's update_user_time_quota passes strings on as they are."""

    quota = serializers.IntegerField(min_value=0, max_value=MAX_NS, source="quota_ns")
    start = serializers.DateTimeField(default=None, allow_null=True, default_timezone=UTC)
    end = serializers.DateTimeField(default=None, allow_null=True, default_timezone=UTC)


class QuotaPatchSerializer(QuotaInSerializer):
    """Null leaves as it is."""

    quota = serializers.IntegerField(min_value=0, max_value=MAX_NS, source="quota_ns", default=None, allow_null=True)


class ListQuerySerializer(serializers.Serializer):
    filter_provider = serializers.CharField(required=False, help_text="An unknown provider has no tokens.")
    token_type = serializers.ChoiceField(choices=list(SDK_SCOPES), required=False)
    limit = serializers.IntegerField(default=10, min_value=1, max_value=MAX_LIST, help_text="Tokens in each list.")
    offset = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1, help_text="Tokens to skip.")


class ListedTokenSerializer(TokenOutSerializer):
    """What luna.lists writes by itself, which is faster. User quotas have the ids of users for keys."""

    group_time_quota = QuotaOutSerializer(allow_null=True)
    user_time_quota = serializers.DictField(child=QuotaOutSerializer(), allow_null=True)

    class Meta(TokenOutSerializer.Meta):
        fields = ("name", "provider", "group_time_quota", "user_time_quota")


class TokenListSerializer(serializers.Serializer):
    shared = ListedTokenSerializer(many=True)
    private = ListedTokenSerializer(many=True)
