"""A mark at the end of the labels that D-Wave gets, by which a problem is found again whose answer was lost."""

import re

from django.utils.crypto import constant_time_compare, salted_hmac

from .jobs import MAX_LABEL

PATTERN = re.compile(r"\[luna:(\d+):([0-9a-f]{12})\]$")
LENGTH = len("[luna::]") + 20 + 12 + 1  # an id has at most 19 digits


def marker_of(usage_id: int) -> str:
    return f"[luna:{usage_id}:{signature(usage_id)}]"


def signature(usage_id: int) -> str:
    """Only the portal can make a marker, so nobody can pass a problem off as the one of another line."""
    return salted_hmac("gateway.marker", str(usage_id), algorithm="sha256").hexdigest()[:12]


def marked(label: str, usage_id: int) -> str:
    """The label as D-Wave gets it; a long one is cut there, and whole again in every answer."""
    return f"{label[: MAX_LABEL - LENGTH]} {marker_of(usage_id)}".strip()


def usage_id_in(label: str) -> int | None:
    """The ledger line that a label from upstream belongs to; None without a marker of ours."""
    match = PATTERN.search(label)
    if match is None or not constant_time_compare(match[2], signature(int(match[1]))):
        return None
    return int(match[1])
