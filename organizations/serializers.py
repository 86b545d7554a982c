"""The shape of organizations, members, invitations and API keys in the REST API."""

from typing import Any

from rest_framework import serializers

from .fields import ListField
from .models import ApiKey, Invitation, Membership, Organization
from .permissions import Role, Scope
from .validators import MOST_DOMAINS


class OrganizationSerializer(serializers.ModelSerializer):
    email_domains = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Whose addresses are taken; everybody's, if empty."
    )

    class Meta:
        model = Organization
        fields = (
            "slug",
            "name",
            "plan",
            "default_quota_days",
            "requires_second_factor",
            "email_domains",
            "created_at",
        )
        read_only_fields = tuple(name for name in fields if name != "name")


class SettingsSerializer(serializers.ModelSerializer):
    """What admins may change; what is left out stays."""

    name = serializers.CharField(required=False, max_length=100)
    email_domains = ListField(
        child=serializers.CharField(max_length=253),
        required=False,
        max_length=MOST_DOMAINS,
        help_text="Everybody's, if empty.",
    )

    class Meta:
        model = Organization
        fields = ("name", "default_quota_days", "requires_second_factor", "email_domains")
        extra_kwargs: dict[str, Any] = {"requires_second_factor": {"required": False}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Name what to change.")
        return attrs


class MyOrganizationSerializer(serializers.ModelSerializer):
    """An organization as one of its members sees it."""

    slug = serializers.CharField(source="organization.slug")
    name = serializers.CharField(source="organization.name")
    plan = serializers.CharField(source="organization.plan")
    permissions = serializers.SerializerMethodField(help_text="What the caller may do here.")

    class Meta:
        model = Membership
        fields = ("slug", "name", "plan", "role", "permissions")

    def get_permissions(self, membership: Membership) -> list[str]:
        return sorted(membership.permissions)


class MemberSerializer(serializers.ModelSerializer):
    email = serializers.EmailField(source="user.email", read_only=True)
    first_name = serializers.CharField(source="user.first_name", read_only=True)
    last_name = serializers.CharField(source="user.last_name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "email", "first_name", "last_name", "role", "created_at")
        read_only_fields = ("created_at",)
        extra_kwargs: dict[str, Any] = {"role": {"required": True}}


class InviteSerializer(serializers.Serializer):
    emails = ListField(child=serializers.CharField(max_length=254), min_length=1, max_length=500)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)


class InvitationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Invitation
        fields = ("id", "email", "role", "invited_by", "created_at", "expires_at")


class ApiKeySerializer(serializers.ModelSerializer):
    """A key as it can always be seen: without the key itself."""

    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), read_only=True)

    class Meta:
        model = ApiKey
        fields = ("id", "name", "hint", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
        read_only_fields = ("hint", "created_at", "expires_at", "revoked_at", "last_used_at")


class IssueKeySerializer(serializers.Serializer):
    name = serializers.CharField(max_length=100)
    scopes = ListField(
        child=serializers.ChoiceField(choices=Scope.choices), default=list(Scope.values), min_length=1, max_length=3
    )
    expires_at = serializers.DateTimeField(default=None, allow_null=True, help_text="Never, if null.")


class IssuedKeySerializer(ApiKeySerializer):
    key = serializers.CharField(help_text="The key itself: shown in this answer and never again.", read_only=True)

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "key")  # type: ignore[assignment]
