"""How many wrong passwords are taken before the next is not even looked at.

Limits hold across processes (allauth counts in the cache), and nobody can use them to lock out somebody else: a browser
in which somebody has signed in carries a cookie that says so, and is counted by itself. All others count by address,
and together. Who is kept from a new browser by that sets a new password by mail, or uses a passkey.
"""

import secrets

from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponse

KNOWN_FOR_SECONDS = 365 * 24 * 3600
RATES = {
    "address": "10/m/ip",  # whichever accounts
    "known_browser": "5/5m/key",
    "account_and_address": "5/5m/key",
    "account": "50/h/key",
}


def salt_for(email: str) -> str:
    return f"accounts.guessing:{email}"


def remember_browser(response: HttpResponse, email: str) -> None:
    """Let this browser be known, to the portal alone, as one in which the account's owner has signed in."""
    response.set_signed_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        secrets.token_urlsafe(16),
        salt=salt_for(email),
        max_age=KNOWN_FOR_SECONDS,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def keys_for(request: HttpRequest, email: str) -> dict[str, str]:
    """By what a guess is counted, for each of the RATES that applies."""
    browser = request.get_signed_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME, None, salt=salt_for(email), max_age=KNOWN_FOR_SECONDS
    )
    if browser:
        return {"known_browser": f"{email}:{browser}"}
    address = ratelimit.get_ip(request)
    return {"address": address, "account_and_address": f"{email}:{address}", "account": email}


def count(request: HttpRequest, email: str) -> ratelimit.RateLimitUsage | None:
    """Count a guess; None if there were too many. The usage can be rolled back: it was no guess."""
    whole = ratelimit.RateLimitUsage(usage=[])
    for action, key in keys_for(request, email).items():
        usage = ratelimit.consume(request, app="accounts", action=action, config=RATES, key=key)
        if usage is None:
            return None
        whole.usage += usage.usage
    return whole


def forget(request: HttpRequest, email: str) -> None:
    """Let guesses at this account from here count no more, nor those of all together."""
    for action, key in keys_for(request, email).items():
        if action != "address":
            ratelimit.clear(request, app="accounts", action=action, config=RATES, key=key)
