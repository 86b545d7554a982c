"""A mark at the end of the labels that D-Wave gets, by which a problem is found again whose answer was lost."""

import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from .jobs import MAX_LABEL

PATTERN = re.compile(r"\[luna:([0-9]{1,19}):([0-9a-f]{12})\]$")
LENGTH = len("[luna::]") + 20 + 12 + 1  # an id has at most 19 digits


def markers_of(usage_id: int) -> list[str]:
    """What marks the problem of a ledger line: with today's SECRET_KEY, and with the former ones.

    Only the portal can make them, so nobody can pass a problem off as the one of another line.
    """
    return [
        f"[luna:{usage_id}:{salted_hmac('gateway.marker', str(usage_id), key, algorithm='sha256').hexdigest()[:12]}]"
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def marked(label: str, usage_id: int) -> str:
    """The label as D-Wave gets it; a long one is cut there, and whole again in every answer."""
    return f"{label[: MAX_LABEL - LENGTH]} {markers_of(usage_id)[0]}".strip()


def usage_id_in(label: str) -> int | None:
    """The ledger line that a label from upstream belongs to; None without a marker of ours."""
    match = PATTERN.search(label)
    if match is None:
        return None
    usage_id = int(match[1])
    return usage_id if any(constant_time_compare(match[0], marker) for marker in markers_of(usage_id)) else None
