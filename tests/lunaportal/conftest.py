import io
import json
import logging

import pytest
from django.conf import settings

from lunaportal import logs


class Lines:
    """What has been logged so far."""

    def __init__(self, stream):
        self.stream = stream

    @property
    def text(self):
        return self.stream.getvalue()

    def __iter__(self):
        return iter([json.loads(line) for line in self.text.splitlines()])

    def named(self, event):
        (line,) = [line for line in self if line["event"] == event]
        return line


@pytest.fixture
def lines():
    """The portal's log from level INFO on."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure({"format": "json", "level": logging.INFO})
    (handler,) = root.handlers
    stream = io.StringIO()
    handler.setStream(stream)
    yield Lines(stream)
    logs.configure(settings.LOGGING)
    root.handlers, root.level = before
