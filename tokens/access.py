"""From a member to the tokens within their reach."""

from functools import cached_property

from django.http import Http404
from rest_framework.request import Request

from organizations.access import MemberAPIView
from organizations.models import Membership
from organizations.permissions import Permission

from .models import PERMISSION_TO_MANAGE, QpuToken


def find_token(membership: Membership, scope: str, name: str) -> QpuToken:
    """The member's own token or one of their group's, by name; 404 for all others."""
    token = QpuToken.objects.of(membership, scope).select_related("organization").filter(name=name).first()
    if token is None:
        raise Http404("No such token.")
    return token


class TokenAPIView(MemberAPIView):
    """Guard of an endpoint below one scope of tokens: seeing takes one right, changing another for each scope."""

    scope = ""  # from the URL configuration

    def permission_for(self, request: Request) -> Permission | None:
        if request.method not in self.allowed_methods:
            return None
        return Permission.VIEW_TOKENS if request.method in {"GET", "HEAD"} else PERMISSION_TO_MANAGE[self.scope]

    @cached_property
    def token(self) -> QpuToken:
        return find_token(self.membership, self.scope, self.kwargs["name"])
