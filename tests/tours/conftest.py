"""A real portal, real members' keys and real SDKs, each in an environment of its own."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Portal:
    """A portal that runs in processes of its own."""

    url: str
    environment: dict[str, str]
    log: Path

    def manage(self, *arguments: str) -> str:
        """What `manage.py` prints."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def key_of(self, email: str, role: str) -> str:
        """A fresh API key of this member of the organization Tour, who is made if missing."""
        arguments = ["--organization", "Tour", "--email", email, "--role", role, "--key", "tour", "--json"]
        return json.loads(self.manage("create_member", *arguments))["api_key"]

    def last_log_lines(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-5:])


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal with an emulated D-Wave of its own."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}/sapi/v2/"
    with running_portal(tmp_path_factory.mktemp("portal"), endpoint, "--emulator", str(port)) as running:
        wait_until_listening(port)  # it takes longer to start than the portal, which is ready without it
        yield running


@contextmanager
def running_portal(folder: Path, dwave_endpoint: str, *arguments: str, **settings: str) -> Iterator[Portal]:
    """An empty portal that sends jobs to this endpoint; its database and its log are in the folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PORTAL_URL": url,
        # Never the same twice: it signs the marks by which the portal knows its problems at D-Wave again.
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "SERVE_STATIC_FROM_SOURCE": "true",
        "DWAVE_UPSTREAM_ENDPOINT": dwave_endpoint,
        **settings,
    }
    running = Portal(url, environment, folder / "log")
    with running.log.open("w") as log:
        command = [sys.executable, "manage.py", "up", "--no-demo", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_until_ready(running, process)
            yield running
        finally:
            process.terminate()
            ended = process.wait(30)
    assert ended == 0, running.log.read_text()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("The emulated D-Wave did not start.")


def wait_until_ready(portal: Portal, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{portal.url}/readyz", timeout=5).close()
        except OSError:  # not listening yet, or 503
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"The portal did not start:\n{portal.log.read_text()}")


@pytest.fixture(scope="session")
def admin_key(portal: Portal) -> str:
    return portal.key_of("admin@example.com", "admin")


@pytest.fixture(scope="session")
def member_key(portal: Portal) -> str:
    return portal.key_of("member@example.com", "member")


def python_with_sdk(version: str) -> Path:
    """A Python that has this release of luna-quantum. Made once for a checkout: it takes a minute."""
    folder = ROOT / "var/sdk" / version
    python, stamp = folder / "bin/python", folder / "installed"
    if not stamp.exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", f"luna-quantum=={version}"], check=True)
        stamp.touch()
    return python
