"""How often somebody may have a provider asked about a token."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

from . import services
from .models import QpuToken
from .probe import Finding, Outcome


class TokenTestThrottle(UserRateThrottle):
    """Tests on pages, of uploads and of replacements count together with those by the API."""

    scope = "token_tests"


def probe(token: QpuToken, request: HttpRequest | Request) -> Finding:
    """Ask the provider about a token that is stored already, unless whoever wants to know has asked too often."""
    if not TokenTestThrottle().allow_request(request, None):  # type: ignore[arg-type]  # wants no more than its user
        return Finding(Outcome.UNTESTABLE, _("That was a lot of tests. Wait a minute, then try again."))
    return services.probe_token(token=token, now=timezone.now())
