"""Takes secrets out of what is about to be logged, by the names they have and by the shapes they have."""

import re
import traceback
from typing import Any

from structlog.typing import EventDict, ExcInfo, WrappedLogger

HIDDEN = "[hidden]"

# Strangers have their part in what is logged (a Host, an Origin), so no pattern here may begin with something of any
# length that could start anywhere: it would take time by the square of the length.
LONGEST = 10_000

# How names of secrets end: token_name and token_id are no secrets, dwave_token is one.
NAME = r"(?:token|secret|passw(?:or)?d|passphrase|(?:api|access|session)[_-]?key|credential)s?"
SECRET_NAME = re.compile(rf"[\w-]*(?:{NAME}|authorization|cookie)", re.IGNORECASE)

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # every line has one, to tell requests apart
# These and django-q's names of processes.
HARMLESS = rf"{UUID.pattern}|Process-[0-9a-f]{{32}}"
SHAPES = [
    (re.compile(r"\b(bearer|basic) +[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\bluna_[\w-]{16,}"), f"luna_{HIDDEN}"),  # our API keys
    (re.compile(r"\bgAAAA[\w=-]{16,}"), HIDDEN),  # Fernet
    # django.core.signing: verification, invitations
    (re.compile(r"(?<![\w-])[\w-]+:(?:[0-9A-Za-z]{6}:)?[\w-]{43}\b"), HIDDEN),
    (re.compile(r"\b[0-9A-Za-z]+-[0-9a-z]{6,7}-[0-9a-f]{32}\b"), HIDDEN),  # password reset
    (
        re.compile(r"(?<![\w/+-])(?=[\w/+]*\d)(?=[\w/+]*[a-z])(?=[\w/+]*[A-Z])[A-Za-z0-9/+]{40}(?![\w/+=-])"),
        HIDDEN,
    ),  # AWS
    (
        re.compile(rf"(?<![\w-])(?!(?:{HARMLESS})\b)(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{{24,}}"),
        HIDDEN,
    ),  # any other token
]
NAMED = [
    (re.compile(r"(cookie|authorization)([\"']?\s*[:=]\s*)\S.*", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (
        re.compile(rf"({NAME})([\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;)}}\]]+)", re.IGNORECASE),
        rf"\1\2{HIDDEN}",
    ),
]
# Each pattern above needs one of these: most of what is logged is shown to be harmless by looking once.
SUSPICIOUS = re.compile(r"[:=]|bearer|basic|[\w-]{21}|[\w/+]{40}", re.IGNORECASE)
# What describe_exception has seen, and what structlog has written over whatever was there.
HARMLESS_NAMES = frozenset({"exception", "level", "logger", "timestamp"})


def hide_secrets(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """The structlog processor."""
    return {name: value if name in HARMLESS_NAMES else redact(value, name) for name, value in event_dict.items()}


def redact(value: Any, name: str = "") -> Any:
    """`value` without secrets, in types that JSON knows; all of it is one if it is called `name`."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if SECRET_NAME.fullmatch(name):
        return HIDDEN
    if isinstance(value, dict):
        return {redact_text(str(key)): redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return redact_text(value if isinstance(value, str) else repr(value))


def redact_text(text: str) -> str:
    """`text` without secrets; what is very long is cut, between two words so that no piece of a secret is left."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST].rpartition(' ')[0]} [cut]"
    if UUID.fullmatch(text) or not SUSPICIOUS.search(text):
        return text
    for pattern, replacement in SHAPES + NAMED:
        text = pattern.sub(replacement, text)
    return text


def describe_exception(exc_info: ExcInfo) -> str:
    """The traceback without local variables, and its messages without secrets."""
    return "".join(redact_entry(entry) for entry in traceback.format_exception(*exc_info)).rstrip("\n")


def redact_entry(entry: str) -> str:
    if not entry.startswith('  File "'):
        return redact_text(entry)
    for pattern, replacement in SHAPES:  # lines of source are full of token=token
        entry = pattern.sub(replacement, entry)
    return entry
