"""A portal to measure: a fresh database, an organization in it, and the environment for its processes."""

import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import fresh_server

from .servers import ROOT, Server

PREFIX = "/dwave/shared/lab/sapi/v2/"
NOWHERE = "http://127.0.0.1:9"  # for what sends nothing to D-Wave


@dataclass(frozen=True)
class Portal:
    """`database` is the server whose work counts as well; None for SQLite, which works in our own processes."""

    environment: dict[str, str]
    database: Server | None
    api_key: str
    session: str = ""


@contextmanager
def on_sqlite(upstream: str = NOWHERE, fill: str = "open_lab()") -> Iterator[Portal]:
    with tempfile.TemporaryDirectory(prefix="lunaportal-benchmark-") as folder:
        yield fresh_portal(f"sqlite:///{folder}/db.sqlite3", None, upstream, fill)


@contextmanager
def on_postgres(upstream: str = NOWHERE, fill: str = "open_lab()") -> Iterator[Portal]:
    """PostgreSQL that does not wait for the disk: that is no CPU time, and no news about the portal."""
    with fresh_server() as url:
        yield fresh_portal(url, Server(postmaster(url)), upstream, fill)


def postmaster(url: str) -> int:
    """The process that serves this database, which keeps its id in the folder of its socket."""
    folder = url.partition("host=")[2]
    return int(Path(folder, "postmaster.pid").read_text().split()[0])


def fresh_portal(database_url: str, database: Server | None, upstream: str, fill: str) -> Portal:
    """`fill` is a call of a function in benchmarks.lab."""
    environment = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PORTAL_URL": "http://127.0.0.1",
        "SERVE_STATIC_FROM_SOURCE": "true",
        "DATABASE_URL": database_url,
        "DWAVE_UPSTREAM_ENDPOINT": f"{upstream}/sapi/v2/",
    }
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", f"from benchmarks.lab import *; {fill}"]
    filled = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, check=True, text=True, stdout=subprocess.PIPE
    )
    return Portal(environment, database, **json.loads(filled.stdout))
