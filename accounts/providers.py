"""The identity providers that the operators have set up for single sign-on."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

PROTOCOLS = {"openid_connect": "OpenID Connect", "saml": "SAML"}


@dataclass(frozen=True)
class Provider:
    """An identity provider, as people know it."""

    name: str
    protocol: str


def providers() -> list[Provider]:
    """All of them, for everybody on this portal."""
    configured: dict[str, dict[str, Any]] = settings.SOCIALACCOUNT_PROVIDERS
    return [
        Provider(app.get("name") or app.get("provider_id") or app["client_id"], PROTOCOLS[key])
        for key, provider in configured.items()
        for app in provider["APPS"]
    ]
