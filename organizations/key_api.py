"""REST API of API keys: one's own, and for admins those of every member."""

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from . import services
from .access import MemberAPIView, find
from .lists import MemberListAPIView
from .models import ApiKey
from .permissions import Permission
from .serializers import ApiKeySerializer, IssuedKeySerializer, IssueKeySerializer


class Keys(MemberListAPIView):
    """List my API keys here, newest first, with those that are revoked or have expired."""

    serializer_class = ApiKeySerializer
    permissions = {"GET": Permission.VIEW_OWN_KEYS, "POST": Permission.MANAGE_OWN_KEYS}
    input_serializers = {"POST": IssueKeySerializer}

    def get_queryset(self) -> QuerySet[ApiKey]:
        return self.membership.keys.all()

    @extend_schema(responses={201: IssuedKeySerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Make an API key. The answer holds the key itself, this once.

        A key can make no key that may do more than itself, or lives longer.
        """
        key, raw_key = services.issue_key(**self.input, by=self.membership, now=timezone.now())
        key.key = raw_key  # type: ignore[attr-defined]  # for this answer only
        return Response(IssuedKeySerializer(key).data, status=201)


class KeyDetail(MemberAPIView):
    serializer_class = ApiKeySerializer
    permissions = {
        "GET": Permission.VIEW_OWN_KEYS,
        "PATCH": Permission.MANAGE_OWN_KEYS,
        "DELETE": Permission.MANAGE_OWN_KEYS,
    }
    input_serializers = {"PATCH": ApiKeySerializer}

    @cached_property
    def key(self) -> ApiKey:
        return find(self.membership.keys.all(), self.kwargs["key_id"], "No such key.")

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Show one of my API keys, without the key itself."""
        return Response(self.get_serializer(self.key).data)

    def patch(self, request: Request, **kwargs: Any) -> Response:
        """Rename one of my API keys."""
        key = services.rename_key(key=self.key, name=self.input["name"], by=self.membership)
        return Response(self.get_serializer(key).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Revoke one of my API keys for good. It stays in the list."""
        services.revoke_key(key=self.key, by=self.membership, now=timezone.now())
        return Response(status=204)


class MemberKeys(MemberListAPIView):
    """List a member's API keys, without the keys themselves, so that a lost one can be revoked."""

    serializer_class = ApiKeySerializer
    permissions = {"GET": Permission.VIEW_MEMBERS}

    def get_queryset(self) -> QuerySet[ApiKey]:
        members = self.membership.organization.memberships.all()
        return find(members, self.kwargs["member_id"], "No such member.").keys.all()


class MemberKeyDetail(MemberAPIView):
    serializer_class = ApiKeySerializer
    permissions = {"DELETE": Permission.MANAGE_MEMBERS}

    @cached_property
    def key(self) -> ApiKey:
        keys = ApiKey.objects.filter(membership__organization=self.membership.organization)
        return find(keys.filter(membership=self.kwargs["member_id"]), self.kwargs["key_id"], "No such key.")

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Revoke a member's API key for good."""
        services.revoke_key(key=self.key, by=self.membership, now=timezone.now())
        return Response(status=204)
