"""How a worker and the engine's processes talk: frames of JSON and bytes. No pickles: a child may be anybody's."""

import json
import struct
from typing import Any

BEGUN = b"!"  # the first that a child says
HEADER = struct.Struct(">QQ")  # lengths of the JSON and of the bytes after it
LONGEST = 1024 * 1024 * 1024


class TooLong(Exception):
    """A frame that nobody would send who means well."""


def frame(words: dict[str, Any], blob: bytes = b"") -> bytes:
    text = json.dumps(words).encode()
    return HEADER.pack(len(text), len(blob)) + text + blob


def lengths(header: bytes) -> tuple[int, int]:
    text, blob = HEADER.unpack(header)
    if text + blob > LONGEST:
        raise TooLong
    return text, blob
