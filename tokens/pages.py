"""What all pages about a token share: who may open them, their addresses, and the tabs between them.

What an app above knows of a token has a page there: quotas in quotas/quota_views.py, rules in gateway/rule_views.py.
"""

from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from organizations.access import MemberRequest, require
from organizations.models import Membership
from organizations.permissions import Permission

from .access import find_token
from .models import PERMISSION_TO_MANAGE, SDK_SCOPES, Provider, QpuToken


def managed_token(request: MemberRequest, scope: str, name: str) -> QpuToken:
    """A token that the visitor may change; 403 for those who may only use it."""
    require(request.membership, PERMISSION_TO_MANAGE[scope])
    return find_token(request.membership, scope, name)


def token_url(url_name: str, membership: Membership, token: QpuToken, **more: object) -> str:
    """The address of one of the pages about a token; `more` is what it names besides, such as a member_id."""
    kwargs = {"organization": membership.organization.slug, "scope": str(token.scope), "name": token.name}
    return reverse(url_name, kwargs={**kwargs, **more})


def dwave_endpoint(token: QpuToken) -> str:
    """Where Ocean finds the token at the portal."""
    (scope,) = (name for name, scope in SDK_SCOPES.items() if scope == token.scope)
    return f"{settings.PORTAL_URL}/dwave/{scope}/{quote(token.name, safe='')}/sapi/v2"


@dataclass(frozen=True)
class Tab:
    label: Promise
    url_name: str


def tabs(membership: Membership, token: QpuToken) -> list[Tab]:
    """The pages about a token that the member may open."""
    manages = membership.can(PERMISSION_TO_MANAGE[token.scope])
    offered = [
        (True, Tab(_("Use it"), "token")),
        (token.takes_quotas and membership.can(Permission.VIEW_QUOTAS), Tab(_("Quotas"), "token-quotas")),
        (manages and token.provider == Provider.DWAVE, Tab(_("Rules"), "token-rules")),
        (manages, Tab(_("Settings"), "token-settings")),
    ]
    return [tab for is_open, tab in offered if is_open]
