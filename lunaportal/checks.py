"""What `manage.py check --deploy` says about settings that are right by themselves, but not together."""

from typing import Any

from django.conf import settings
from django.core import checks

# Each process would count for itself, and what they count would end with them.
CACHES_OF_ONE_PROCESS = ("locmem.LocMemCache", "dummy.DummyCache")


@checks.register(checks.Tags.security, deploy=True)
def check_shared_cache(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of rate limits that do not hold."""
    if not settings.CACHES["default"]["BACKEND"].endswith(CACHES_OF_ONE_PROCESS):
        return []
    return [
        checks.Warning(
            "CACHE_URL names a cache that processes do not share: each would let through its own share of guesses.",
            hint="Leave CACHE_URL out, or set it to redis://...",
            id="lunaportal.W001",
        )
    ]
