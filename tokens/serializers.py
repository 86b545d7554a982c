"""The shape of QPU tokens in the REST API. Secrets come in and never go out."""

from rest_framework import serializers

from .models import Provider, QpuToken, TokenScope


class TokenSerializer(serializers.ModelSerializer):
    scope = serializers.ChoiceField(choices=TokenScope.choices, read_only=True)
    provider = serializers.ChoiceField(choices=Provider.choices, read_only=True)

    class Meta:
        model = QpuToken
        fields: tuple[str, ...] = ("id", "scope", "name", "provider", "takes_quotas", "created_at", "secret_changed_at")
        read_only_fields = ("takes_quotas", "created_at", "secret_changed_at")


class UploadSerializer(serializers.Serializer):
    scope = serializers.ChoiceField(choices=TokenScope.choices)
    provider = serializers.ChoiceField(choices=Provider.choices)
    name = serializers.CharField(trim_whitespace=False)
    token = serializers.CharField(help_text="The provider's secret.", write_only=True, source="secret")


class RenameSerializer(serializers.Serializer):
    name = serializers.CharField(trim_whitespace=False)


class SecretSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="The provider's new secret.", write_only=True, source="secret")


class UploadedTokenSerializer(TokenSerializer):
    same_secret_as = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Other tokens of the same scope with this secret."
    )

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "same_secret_as")
