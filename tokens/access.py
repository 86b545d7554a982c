"""From a member to the tokens within their reach."""

from functools import cached_property, partial

from django.db.models import QuerySet
from django.http import Http404
from rest_framework.request import Request

from organizations.access import MemberAPIView
from organizations.models import Membership
from organizations.permissions import Permission
from organizations.prepared import Prepared

from .models import PERMISSION_TO_MANAGE, QpuToken, TokenScope


def find_token(membership: Membership, scope: str, name: str) -> QpuToken:
    """The member's own token or one of their group's, by name; 404 for all others."""
    holder_id = membership.user_id if scope == TokenScope.PERSONAL else membership.organization_id
    found = tokens_called[TokenScope(scope)](holder_id, name)
    if not found:
        raise Http404("No such token.")
    return found[0]


def token_called(scope: TokenScope, holder_id: int, name: str) -> QuerySet[QpuToken]:
    """`holder_id` is the user's or the organization's."""
    tokens = QpuToken.objects.of(Membership(user_id=holder_id, organization_id=holder_id), scope)
    return tokens.select_related("organization").filter(name=name)


tokens_called = {scope: Prepared(partial(token_called, scope)) for scope in TokenScope}


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
