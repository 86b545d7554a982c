"""How a program says who it is: an API key, in the header that its SDK uses."""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User

from .models import ApiKey, digest_key
from .prepared import Prepared

keys_with_digest = Prepared(ApiKey.objects.with_digest)


def key_in(request: HttpRequest | Request) -> str | None:
    """The key in Luna-API-Key (Luna SDK), X-Auth-Token (Ocean) or Authorization: Bearer; None where there is none."""
    headers = request.META
    for name in ("HTTP_LUNA_API_KEY", "HTTP_X_AUTH_TOKEN"):
        if name in headers:
            return str(headers[name]).strip()
    scheme, _, credentials = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def valid_key(raw_key: str, now: datetime) -> ApiKey:
    """The key that a program has sent, its use noted; AuthenticationFailed if it opens nothing (any more)."""
    found = keys_with_digest(digest_key(raw_key))
    if not found:
        raise AuthenticationFailed("This API key is not known.")
    (key,) = found
    if key.revoked_at is not None:
        raise AuthenticationFailed("This API key has been revoked.")
    if key.is_expired(now):
        raise AuthenticationFailed("This API key has expired.")
    if not key.membership.user.is_active:
        raise AuthenticationFailed("The account of this API key has been deactivated.")
    if key.membership.organization.is_closed:
        raise AuthenticationFailed("The organization of this API key has been closed.")
    key.note_use(now)
    return key


class ApiKeyAuthentication(BaseAuthentication):
    """Signs in the member whom an API key acts for: request.user is the person, request.auth the key (one query)."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        raw_key = key_in(request)
        if raw_key is None:
            return None
        key = valid_key(raw_key, timezone.now())
        return key.membership.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Luna Portal"'
