"""Strangers choose a part of what is logged: they must neither forge lines nor keep the log busy."""

import json
import logging
import subprocess
import sys

import pytest
from django.test import Client

from lunaportal import redaction
from lunaportal.redaction import HIDDEN, redact_text

# Pieces that the patterns begin with, or nearly: repeated, they took seconds for what fits into one header.
PIECES = ["a", "-", "a-", "a1", "A:", "a.", "token", "token ", 'token="', "token='", "basic ", "luna_-", "cookie: "]

HURRIED = """
from lunaportal import redaction
redaction.LONGEST = 10**6
for piece in {pieces!r}:
    redaction.redact_text(piece * (10**6 // len(piece)))
print("done")
"""


def test_what_is_logged_costs_time_by_its_length_not_by_its_square():
    """By the square, this would take days."""
    script = HURRIED.format(pieces=PIECES)

    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)

    assert finished.stdout == "done\n", finished.stderr


def test_what_is_too_long_is_cut_between_words():
    secret = "DEV-" + "0123456789abcdef" * 3
    text = "x " * (redaction.LONGEST // 2 - 10) + secret

    words = redact_text(text)

    assert len(words) < redaction.LONGEST + 10
    assert words.endswith("x [cut]")


def test_the_piece_of_a_host_that_looks_like_a_secret_is_hidden(caplog):
    Client(headers={"Host": "DEV-" + "0123456789abcdef" * 3}).get("/livez")

    (record,) = [record for record in caplog.records if record.name == "django.security.DisallowedHost"]
    assert HIDDEN in redact_text(record.getMessage())


@pytest.mark.parametrize(
    "forged", ['x"}\n{"event": "forged"}', "x\r\nforged", "x\x1b[2Jforged", "x\u2028forged", "x\x9b2Jforged"]
)
def test_nobody_writes_lines_of_their_own(forged):
    """A line of the log is one line of JSON, whatever somebody is called."""
    handler = logging.getLogger().handlers[0]
    record = logging.LogRecord("test", logging.WARNING, __file__, 1, "Somebody is called %s", (forged,), None)

    line = handler.format(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"].startswith("Somebody is called x")
