"""The shape of QPU tokens in the REST API. Secrets come in and never go out."""

from rest_framework import serializers

from .models import Provider, QpuToken, TokenScope
from .probe import Outcome

ENDPOINT_HELP = "Where D-Wave is reached with this token, such as a region; the portal's default if empty."


class TokenSerializer(serializers.ModelSerializer):
    scope = serializers.ChoiceField(choices=TokenScope.choices, read_only=True)
    provider = serializers.ChoiceField(choices=Provider.choices, read_only=True)

    class Meta:
        model = QpuToken
        fields: tuple[str, ...] = (
            "id",
            "scope",
            "name",
            "provider",
            "endpoint",
            "takes_quotas",
            "created_at",
            "secret_changed_at",
            "tested_at",
            "works",
        )
        read_only_fields = fields


class UploadSerializer(serializers.Serializer):
    scope = serializers.ChoiceField(choices=TokenScope.choices)
    provider = serializers.ChoiceField(choices=Provider.choices)
    name = serializers.CharField(trim_whitespace=False)
    token = serializers.CharField(help_text="The provider's secret.", write_only=True, source="secret")
    endpoint = serializers.CharField(required=False, allow_blank=True, help_text=ENDPOINT_HELP)


class RenameSerializer(serializers.Serializer):
    name = serializers.CharField(trim_whitespace=False)


class ChangeSerializer(serializers.Serializer):
    name = serializers.CharField(required=False, trim_whitespace=False)
    endpoint = serializers.CharField(required=False, allow_blank=True, help_text=ENDPOINT_HELP)


class SecretSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="The provider's new secret.", write_only=True, source="secret")


class FindingSerializer(serializers.Serializer):
    outcome = serializers.ChoiceField(
        choices=Outcome.choices, help_text="`unreachable` and `untestable` say nothing about the token."
    )
    message = serializers.CharField(help_text="What came of it, in words.")


class TestedTokenSerializer(TokenSerializer):
    test = FindingSerializer(read_only=True, help_text="Whether the provider accepts the token, asked just now.")

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "test")


class UploadedTokenSerializer(TestedTokenSerializer):
    same_secret_as = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Other tokens of the same scope with this secret."
    )

    class Meta(TestedTokenSerializer.Meta):
        fields = (*TestedTokenSerializer.Meta.fields, "same_secret_as")
