"""What a request tells about the SDK that sent it."""

import re

from django.http import HttpRequest

# Older SDKs refuse a token in a list that has more keys than name and provider.
FIRST_WITH_QUOTAS_IN_LISTS = (1, 2, 2)


def knows_quotas_in_lists(request: HttpRequest) -> bool:
    """False for Luna SDKs before 1.2.2; true for later ones and for any other client."""
    match = re.match(r"LunaSDK/(\d{1,9})\.(\d{1,9})\.(\d{1,9})", request.headers.get("User-Agent", ""))
    return match is None or tuple(map(int, match.groups())) >= FIRST_WITH_QUOTAS_IN_LISTS
