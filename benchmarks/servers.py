"""Processes under measurement: started, asked what they cost, ended."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A process and all that it has started."""

    pid: int
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> list[psutil.Process]:
        root = psutil.Process(self.pid)
        return [root, *root.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """User and system time of all processes so far, those included that have ended."""
        return float(sum(sum(process.cpu_times()[:4]) for process in self.processes()))

    def megabytes(self) -> float:
        """Memory of all processes; pages that several of them share count once (PSS)."""
        return sum(megabytes_of(process) for process in self.processes())

    def threads(self) -> int:
        return sum(int(process.num_threads()) for process in self.processes())


def megabytes_of(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss / 1e6)


@contextmanager
def serving(*command: str, port: int, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """Run a command until it listens on `port`, and end it with the block. What it logs goes where the disk is not."""
    log_path = Path(os.environ.get("BENCHMARK_LOG", os.devnull))
    with log_path.open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | (environment or {}), stdout=log, stderr=log)
    with ended(process):
        wait_until_listening(process, port)
        yield Server(process.pid, port)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process with the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{process.args!r} does not start; BENCHMARK_LOG=file shows why.") from None
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def uvicorn(application: str, port: int) -> list[str]:
    """With the options of docs/gateway.md."""
    options = ["--no-proxy-headers", "--no-access-log", "--timeout-keep-alive", "75"]
    return [*python("uvicorn", application), "--port", str(port), "--log-level", "warning", *options]


def find_program(name: str) -> str | None:
    """Where a program is installed; servers of Debian are beside the paths of users."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
