"""REST API of organizations, members and invitations: /api/v1/organizations/…"""

from functools import cached_property
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from . import services
from .access import CallerRequest, MemberAPIView, PortalAPIView, find, require_founder
from .lists import MemberListAPIView, PageQuery
from .models import Invitation, Membership
from .permissions import Permission, Role
from .serializers import (
    InvitationSerializer,
    InviteSerializer,
    MemberSerializer,
    MyOrganizationSerializer,
    OrganizationSerializer,
    SettingsSerializer,
)
from .throttles import InvitationThrottle


class MyOrganizations(PortalAPIView):
    serializer_class = MyOrganizationSerializer
    pagination_class = None
    input_serializers = {"POST": OrganizationSerializer}

    def get_queryset(self) -> QuerySet[Membership]:
        memberships = Membership.objects.filter(user=self.request.user).select_related("organization").order_by("id")
        return memberships.filter(keys=self.request.auth) if self.request.auth else memberships

    @extend_schema(responses=MyOrganizationSerializer(many=True))
    def get(self, request: CallerRequest) -> Response:
        """List my organizations; through an API key, only the one that the key acts for."""
        memberships = list(self.get_queryset())
        for membership in memberships:
            membership.key = request.auth
        return Response(self.get_serializer(memberships, many=True).data)

    def post(self, request: CallerRequest) -> Response:
        """Found an organization and be its first admin. The API key that asks for it does not open the new one."""
        require_founder(request.user, request.auth)
        membership = services.create_organization(name=self.input["name"], by=request.user)
        return Response(self.get_serializer(membership).data, status=201)


class OrganizationDetail(MemberAPIView):
    serializer_class = OrganizationSerializer
    permissions = {"GET": Permission.VIEW_ORGANIZATION, "PATCH": Permission.MANAGE_ORGANIZATION}
    input_serializers = {"PATCH": SettingsSerializer}

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Show an organization."""
        return Response(self.get_serializer(self.membership.organization).data)

    def patch(self, request: Request, **kwargs: Any) -> Response:
        """Change an organization's name, sign-in rules, or how long its quotas last. Its slug stays.

        Who asks for a second factor must have one. Members whose address is at none of `email_domains` stay.
        """
        changed = services.change_organization(by=self.membership, **self.input)
        return Response(self.get_serializer(changed).data)


class MyMembership(MemberAPIView):
    serializer_class = MyOrganizationSerializer
    permissions = {"GET": Permission.VIEW_ORGANIZATION, "DELETE": Permission.LEAVE_ORGANIZATION}

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Show my role in an organization, and what I may do there with what I signed in with."""
        return Response(self.get_serializer(self.membership).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Leave an organization. My API keys and quotas there go at once; the last admin cannot leave."""
        services.remove_member(membership=self.membership, by=self.membership)
        return Response(status=204)


# --- Members ----------------------------------------------------------------------------------------------------------


class MemberQuery(PageQuery):
    search = serializers.CharField(required=False, help_text="Part of an email address or name.")
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    order = serializers.ChoiceField(choices=["email", "-email", "id", "-id"], default="email")


class Members(MemberListAPIView):
    """List everybody in the organization."""

    serializer_class = MemberSerializer
    query_serializer_class = MemberQuery
    permissions = {"GET": Permission.VIEW_MEMBERS}

    def get_queryset(self) -> QuerySet[Membership]:
        members = self.membership.organization.memberships.select_related("user")
        if role := self.query.get("role"):
            members = members.filter(role=role)
        if part := self.query.get("search"):
            members = members.matching(part)
        return members.annotate(email=F("user__email"))


class MemberDetail(MemberAPIView):
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
        """Show a member."""
        return Response(self.get_serializer(self.member).data)

    def patch(self, request: Request, **kwargs: Any) -> Response:
        """Make a member an admin, or an admin a member. The last admin stays one."""
        member = services.change_role(membership=self.member, role=self.input["role"], by=self.membership)
        return Response(self.get_serializer(member).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Take a member out. Their API keys and quotas here go at once; their usage stays on record."""
        services.remove_member(membership=self.member, by=self.membership)
        return Response(status=204)


# --- Invitations ------------------------------------------------------------------------------------------------------


class InvitationQuery(PageQuery):
    search = serializers.CharField(required=False, help_text="Part of an email address.")
    order = serializers.ChoiceField(choices=["id", "-id"], default="-id")


class Invitations(MemberListAPIView):
    """List invitations that have neither been accepted nor revoked, newest first; some may have expired."""

    serializer_class = InvitationSerializer
    query_serializer_class = InvitationQuery
    permissions = {"GET": Permission.VIEW_MEMBERS, "POST": Permission.MANAGE_MEMBERS}
    input_serializers = {"POST": InviteSerializer}
    throttle_classes = [InvitationThrottle]

    def get_throttles(self) -> list[BaseThrottle]:
        return super().get_throttles() if self.request.method == "POST" else []

    def get_queryset(self) -> QuerySet[Invitation]:
        invitations = self.membership.organization.invitations.pending()
        part = self.query.get("search")
        return invitations.filter(email__icontains=part) if part else invitations

    @extend_schema(responses={201: InvitationSerializer(many=True)})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Invite up to 500 people by mail: all of them or, if one address is wrong, nobody.

        Inviting somebody again sends another mail, with a link that is good for as long as a new one.
        """
        invitations = services.invite_all(**self.input, by=self.membership, now=timezone.now())
        return Response(self.get_serializer(invitations, many=True).data, status=201)


class InvitationDetail(MemberAPIView):
    serializer_class = InvitationSerializer
    permissions = {"GET": Permission.VIEW_MEMBERS, "DELETE": Permission.MANAGE_MEMBERS}

    @cached_property
    def invitation(self) -> Invitation:
        invitations = self.membership.organization.invitations.pending()
        return find(invitations, self.kwargs["invitation_id"], "No such invitation.")

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Show an invitation."""
        return Response(self.get_serializer(self.invitation).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Revoke an invitation: its link stops working at once."""
        services.revoke_invitation(invitation=self.invitation, by=self.membership, now=timezone.now())
        return Response(status=204)
