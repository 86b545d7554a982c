"""Which addresses belong to programs: there every refusal is JSON, and nothing ever redirects."""

from django.conf import settings

MB = 1024 * 1024

API_ROOTS = frozenset({"api", "luna-solve", "luna-q", "dwave"})


def is_api(path: str) -> bool:
    return path.lstrip("/").partition("/")[0] in API_ROOTS


def most_bytes(path: str) -> int:
    """How long a body may be at this address: programs upload models, people lists of people.

    A little more than what is taken, so that those who refuse what is just too long can say how long it may be.
    """
    return (settings.SOLVING_MODEL_MB + 1 if is_api(path) else 2) * MB
