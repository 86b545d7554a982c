"""What a request tells about the SDK that sent it."""

import re

from django.http import HttpRequest
from rest_framework.request import Request

# Older SDKs refuse a token in a list that has more keys than name and provider.
FIRST_WITH_QUOTAS_IN_LISTS = (1, 2, 2)
# Older SDKs cannot decode a solution that has a timing of luna_model 0.7.
FIRST_WITH_TIMING = (1, 2, 0)


def knows_quotas_in_lists(request: HttpRequest) -> bool:
    """False for Luna SDKs before 1.2.2; true for later ones and for any other client."""
    return is_since(FIRST_WITH_QUOTAS_IN_LISTS, request)


def reads_timing(request: Request) -> bool:
    """False for Luna SDKs before 1.2; true for later ones and for any other client."""
    return is_since(FIRST_WITH_TIMING, request)


def is_since(version: tuple[int, int, int], request: HttpRequest | Request) -> bool:
    """Whether this is not a Luna SDK older than the version."""
    match = re.match(r"LunaSDK/(\d{1,9})\.(\d{1,9})\.(\d{1,9})", request.headers.get("User-Agent", ""))
    return match is None or tuple(map(int, match.groups())) >= version
