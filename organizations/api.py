"""REST API of organizations: /api/v1/organizations/…"""

from functools import cached_property
from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle

from . import services
from .access import MemberAPIView
from .lists import MemberListAPIView, PageQuery
from .models import ApiKey, Invitation, Membership
from .permissions import Permission, Role
from .serializers import (
    ApiKeySerializer,
    InvitationSerializer,
    InviteSerializer,
    IssuedKeySerializer,
    IssueKeySerializer,
    MemberSerializer,
    MyOrganizationSerializer,
    OrganizationSerializer,
)


class MyOrganizations(GenericAPIView):
    """The organizations that the caller belongs to; through an API key, the one that the key acts for."""

    serializer_class = MyOrganizationSerializer
    pagination_class = None

    def get_queryset(self) -> QuerySet[Membership]:
        memberships = Membership.objects.filter(user=self.request.user).select_related("organization").order_by("id")
        return memberships.filter(keys=self.request.auth) if self.request.auth else memberships

    @extend_schema(responses=MyOrganizationSerializer(many=True))
    def get(self, request: Request) -> Response:
        memberships = list(self.get_queryset())
        for membership in memberships:
            membership.key = request.auth
        return Response(self.get_serializer(memberships, many=True).data)


class OrganizationDetail(MemberAPIView):
    serializer_class = OrganizationSerializer
    permissions = {"GET": Permission.VIEW_ORGANIZATION, "PATCH": Permission.MANAGE_ORGANIZATION}
    input_serializers = {"PATCH": OrganizationSerializer}

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.membership.organization).data)

    def patch(self, request: Request, **kwargs: Any) -> Response:
        renamed = services.rename_organization(name=self.input["name"], by=self.membership)
        return Response(self.get_serializer(renamed).data)


# --- Members ----------------------------------------------------------------------------------------------------------


class MemberQuery(PageQuery):
    search = serializers.CharField(required=False, help_text="Part of an email address or name.")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    order = serializers.ChoiceField(choices=["email", "-email", "id", "-id"], default="email")


class Members(MemberListAPIView):
    """Everybody in the organization."""

    serializer_class = MemberSerializer
    query_serializer_class = MemberQuery
    permissions = {"GET": Permission.VIEW_MEMBERS}

    def get_queryset(self) -> QuerySet[Membership]:
        members = self.membership.organization.memberships.select_related("user").annotate(email=F("user__email"))
        if role := self.query.get("role"):
            members = members.filter(role=role)
        if part := self.query.get("search"):
            names = ("user__email", "user__first_name", "user__last_name")
            members = members.filter(Q(*((f"{name}__icontains", part) for name in names), _connector=Q.OR))
        return members


class MemberDetail(MemberAPIView):
    """One member: change the role, or take them out of the organization."""

    serializer_class = MemberSerializer
    permissions = {
        "GET": Permission.VIEW_MEMBERS,
        "PATCH": Permission.MANAGE_MEMBERS,
        "DELETE": Permission.MANAGE_MEMBERS,
    }
    input_serializers = {"PATCH": MemberSerializer}

    @cached_property
    def member(self) -> Membership:
        members = self.membership.organization.memberships.select_related("user", "organization")
        return find(members, self.kwargs["member_id"], "No such member.")

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.member).data)

    def patch(self, request: Request, **kwargs: Any) -> Response:
        role = self.input["role"]
        return Response(
            self.get_serializer(services.change_role(membership=self.member, role=role, by=self.membership)).data
        )

    def delete(self, request: Request, **kwargs: Any) -> Response:
        services.remove_member(membership=self.member, by=self.membership)
        return Response(status=204)


def find(queryset: QuerySet, pk: int, otherwise: str) -> Any:
    """The row of a queryset that is already narrowed to what the caller may reach, or 404 with these words."""
    row = queryset.filter(pk=pk).first()
    if row is None:
        raise Http404(otherwise)
    return row


# --- Invitations ------------------------------------------------------------------------------------------------------


class Invitations(MemberListAPIView):
    """Invitations that have neither been accepted nor revoked. POST invites up to 500 people, all or nobody."""

    serializer_class = InvitationSerializer
    permissions = {"GET": Permission.VIEW_MEMBERS, "POST": Permission.MANAGE_MEMBERS}
    input_serializers = {"POST": InviteSerializer}
    throttle_classes = [ScopedRateThrottle]

    @property
    def throttle_scope(self) -> str | None:
        return "invitations" if self.request.method == "POST" else None

    def get_queryset(self) -> QuerySet[Invitation]:
        return self.membership.organization.invitations.pending()

    @extend_schema(responses={201: InvitationSerializer(many=True)})
    def post(self, request: Request, **kwargs: Any) -> Response:
        invitations = services.invite_all(**self.input, by=self.membership, now=timezone.now())
        return Response(self.get_serializer(invitations, many=True).data, status=201)


class InvitationDetail(MemberAPIView):
    serializer_class = InvitationSerializer
    permissions = {"GET": Permission.VIEW_MEMBERS, "DELETE": Permission.MANAGE_MEMBERS}

    @cached_property
    def invitation(self) -> Invitation:
        return find(
            self.membership.organization.invitations.pending(), self.kwargs["invitation_id"], "No such invitation."
        )

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.invitation).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        services.revoke_invitation(invitation=self.invitation, by=self.membership, now=timezone.now())
        return Response(status=204)


# --- API keys ---------------------------------------------------------------------------------------------------------


class Keys(MemberListAPIView):
    """The caller's own API keys. POST makes one and answers the key itself, once."""

    serializer_class = ApiKeySerializer
    permissions = {"GET": Permission.VIEW_OWN_KEYS, "POST": Permission.MANAGE_OWN_KEYS}
    input_serializers = {"POST": IssueKeySerializer}

    def get_queryset(self) -> QuerySet[ApiKey]:
        return self.membership.keys.all()

    @extend_schema(responses={201: IssuedKeySerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        key, raw_key = services.issue_key(**self.input, by=self.membership, now=timezone.now())
        key.key = raw_key  # type: ignore[attr-defined]  # for this answer only
        return Response(IssuedKeySerializer(key).data, status=201, headers={"Cache-Control": "no-store"})


class KeyDetail(MemberAPIView):
    """One of the caller's own keys: rename it, or revoke it for good."""

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
        return Response(self.get_serializer(self.key).data)

    def patch(self, request: Request, **kwargs: Any) -> Response:
        name = self.input["name"]
        return Response(self.get_serializer(services.rename_key(key=self.key, name=name, by=self.membership)).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        services.revoke_key(key=self.key, by=self.membership, now=timezone.now())
        return Response(status=204)


class MemberKeys(MemberListAPIView):
    """A member's API keys, for admins; so that a lost one can be revoked."""

    serializer_class = ApiKeySerializer
    permissions = {"GET": Permission.VIEW_MEMBERS}

    def get_queryset(self) -> QuerySet[ApiKey]:
        members = self.membership.organization.memberships
        return find(members, self.kwargs["member_id"], "No such member.").keys.all()


class MemberKeyDetail(MemberAPIView):
    """DELETE revokes a member's key, for admins."""

    serializer_class = ApiKeySerializer
    permissions = {"DELETE": Permission.MANAGE_MEMBERS}

    def delete(self, request: Request, **kwargs: Any) -> Response:
        keys = ApiKey.objects.filter(
            membership=self.kwargs["member_id"], membership__organization=self.membership.organization
        )
        key = find(keys, self.kwargs["key_id"], "No such key.")
        services.revoke_key(key=key, by=self.membership, now=timezone.now())
        return Response(status=204)
