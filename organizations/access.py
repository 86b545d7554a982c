"""The only ways in: every page and every endpoint of an organization passes one of the guards here.

Strangers are told that there is nothing (404); members without the right are told so (403).
"""

from collections.abc import Callable
from functools import cache, cached_property, wraps
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from accounts.mfa import has_second_factor
from accounts.models import User

from .models import ApiKey, Membership, Organization
from .permissions import ROLE_PERMISSIONS, Permission

P = ParamSpec("P")


class MemberRequest(HttpRequest):
    """What a guarded page gets: the request of a signed-in member."""

    user: User
    membership: Membership


class CallerRequest(Request):
    """What an endpoint gets: the request of somebody who is signed in, by an API key or by a session."""

    user: User
    auth: ApiKey | None


class OrganizationClosed(PermissionDenied):
    """The organization is about to be deleted; its admins may reopen it."""

    def __init__(self, organization: Organization) -> None:
        super().__init__(f"{organization} is closed. An admin can reopen it on the portal, for some days.")
        self.organization = organization


class SecondFactorMissing(PermissionDenied):
    """The organization asks its members for a second factor, and this one has none."""

    def __init__(self, organization: Organization) -> None:
        super().__init__(f"{organization} asks its members for a second factor. Set one up in your account.")
        self.organization = organization


def membership_for(user: User, slug: str, permission: Permission, *, also_closed: bool = False) -> Membership:
    """The user's membership in the organization `slug`, if it grants `permission`."""
    try:
        membership = user.memberships.select_related("organization", "user").get(organization__slug=slug)
    except Membership.DoesNotExist:
        raise Http404("No such organization.") from None
    require(membership, permission)
    if membership.organization.is_closed and not also_closed:
        raise OrganizationClosed(membership.organization)
    if permission != Permission.LEAVE_ORGANIZATION:
        require_second_factor(membership)
    return membership


def require_second_factor(membership: Membership) -> None:
    """Keep to the organization's sign-in rules where people come in; programs go on with their keys."""
    if membership.organization.requires_second_factor and not has_second_factor(membership.user):
        raise SecondFactorMissing(membership.organization)


def membership_of_key(key: ApiKey, slug: str | None, permission: Permission) -> Membership:
    """The membership that a key acts for; the key opens no other organization, whatever its owner may."""
    membership = key.membership
    if slug is not None and slug != membership.organization.slug:
        raise Http404("No such organization.")
    membership.key = key
    return require(membership, permission)


def require(membership: Membership, permission: Permission) -> Membership:
    if not membership.can(permission):
        subject = "This API key" if permission in ROLE_PERMISSIONS[membership.role] else "Your role"
        raise PermissionDenied(f"{subject} does not include the right “{permission.replace('_', ' ')}”.")
    return membership


def member_view(
    permission: Permission, *, also_closed: bool = False
) -> Callable[[Callable[Concatenate[MemberRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard a page below /o/<organization>/: sets request.membership, or refuses.

    With `also_closed` the page opens also while the organization waits for its deletion.
    """

    def decorate(view: Callable[Concatenate[MemberRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: MemberRequest, organization: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                request.membership = membership_for(request.user, organization, permission, also_closed=also_closed)
            except OrganizationClosed as closed:
                return redirect("closed-organization", closed.organization.slug)
            except SecondFactorMissing as missing:
                sentence = _("%(organization)s asks for a second factor. Set one up here; then its pages open to you.")
                messages.warning(request, sentence % {"organization": missing.organization})
                return redirect("mfa_index")
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # tests walk the URLs and look at it
        return guarded

    return decorate


def may_found_organizations(user: User) -> bool:
    """Where sign-up is by invitation, organizations are the operators' to make."""
    return settings.SIGNUP == "open" or user.is_staff


def require_founder(user: User, key: ApiKey | None = None) -> None:
    """Refuse whoever may not found an organization; a key must be one that may make changes."""
    if not may_found_organizations(user):
        raise PermissionDenied("Only operators make organizations on this portal.")
    if key and Permission.MANAGE_ORGANIZATION not in key.permissions:
        raise PermissionDenied("This API key cannot make changes.")


Row = TypeVar("Row", bound=Model)


def find(rows: QuerySet[Row], pk: int, otherwise: str) -> Row:
    """The row of a queryset that is already narrowed to what the caller may reach, or 404 with these words."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404(otherwise)
    return row


@cache
def reader(query_serializer_class: type[Serializer]) -> Serializer:
    """One serializer that reads all queries: to make one with its fields takes longer than to read."""
    return query_serializer_class()


def validated(serializer: Serializer) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class PortalAPIView(GenericAPIView):
    """What all endpoints share.

    `input_serializers` names the shape of the body of each method, `query_serializer_class` that of the query;
    `self.input` and `self.query` are what came in, checked. The OpenAPI schema is made from the same.
    """

    request: CallerRequest
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    input_serializers: ClassVar[dict[str, type[Serializer]]] = {}
    query_serializer_class: ClassVar[type[Serializer] | None] = None

    @cached_property
    def input(self) -> dict[str, Any]:
        return validated(self.input_serializers[str(self.request.method)](data=self.request.data))

    @cached_property
    def query(self) -> dict[str, Any]:
        serializer_class = self.query_serializer_class
        return dict(reader(serializer_class).run_validation(self.request.query_params)) if serializer_class else {}


class MemberAPIView(PortalAPIView):
    """Guard of an endpoint: names a permission for each method, and finds the membership that a request acts for.

    With an organization in the URL it is the caller's membership there; without one the caller must send an API key,
    and it is the key's. Endpoints reach rows only through `self.membership`.
    """

    permissions: ClassVar[dict[str, Permission]] = {}
    membership: Membership

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        permission = self.permission_for(self.request)
        if permission is None:
            raise MethodNotAllowed(request.method or "")
        self.membership = self.find_membership(self.request, kwargs.get("organization"), permission)

    def permission_for(self, request: CallerRequest) -> Permission | None:
        """The right that this request takes; None where the method is not known here."""
        return self.permissions.get("GET" if request.method == "HEAD" else str(request.method))

    def find_membership(self, request: CallerRequest, slug: str | None, permission: Permission) -> Membership:
        if request.auth:
            return membership_of_key(request.auth, slug, permission)
        if slug is None:
            raise PermissionDenied("This address works with an API key only: send it in the header Luna-API-Key.")
        return membership_for(request.user, slug, permission)
