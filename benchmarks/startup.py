"""How long each kind of process takes to start, and how much memory it has then, beside a bare Django view."""

import argparse
import asyncio
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

import psycopg

from . import report
from .client import Request, one_answer
from .portal import Portal, on_postgres
from .servers import ROOT, START_SECONDS, Server, ended, free_port, megabytes_of, python, uvicorn

REFERENCE = "Django view, gunicorn"
SETTLED_SECONDS = 2  # by then everything is loaded that is loaded when the first work comes


@dataclass(frozen=True)
class Kind:
    """A kind of process, and how to tell that it is ready: it answers at `path` or, without one, asks the database."""

    name: str
    command: Callable[[int], list[str]]
    path: str = ""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Start:
    """`clock` and `cpu` are seconds until it was ready; megabytes are PSS, of all its processes and of the largest."""

    clock: float
    cpu: float
    megabytes: float
    largest_megabytes: float
    processes: int


def gunicorn(application: str, *options: str) -> Callable[[int], list[str]]:
    return lambda port: [*python("gunicorn"), *options, "--bind", f"127.0.0.1:{port}", application]


def manage(command: str) -> Callable[[int], list[str]]:
    return lambda port: [*python("manage"), command]


KINDS = [
    Kind(REFERENCE, gunicorn("benchmarks.hops.django_query"), "/", {"BENCHMARK_TOKEN": "1"}),
    Kind("web", gunicorn("lunaportal.wsgi"), "/livez"),
    Kind("gateway, gunicorn", gunicorn("lunaportal.asgi:application", "--worker-class=asgi", "--threads=1"), "/livez"),
    Kind("gateway, uvicorn", lambda port: uvicorn("lunaportal.asgi:application", port), "/livez"),
    Kind("worker (qcluster)", manage("qcluster")),
    Kind("reconciler", manage("reconcile")),
    Kind("solver", manage("solve")),
]


def start(kind: Kind, portal: Portal) -> Start:
    """Start it, wait until it is ready, look at it, and end it."""
    port, started = free_port(), time.monotonic()
    environment = portal.environment | kind.environment | {"PGAPPNAME": kind.name}
    process = subprocess.Popen(
        kind.command(port), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    server = Server(process.pid, port)
    with ended(process), psycopg.connect(portal.environment["DATABASE_URL"], autocommit=True) as database:
        while not is_ready(kind, server, database):
            if process.poll() is not None or time.monotonic() - started > START_SECONDS:
                raise SystemExit(f"{kind.name} does not start.")
            time.sleep(0.02)
        clock, cpu = time.monotonic() - started, server.cpu_seconds()
        time.sleep(SETTLED_SECONDS)
        sizes = [megabytes_of(part) for part in server.processes()]
        return Start(clock, cpu, sum(sizes), max(sizes), len(sizes))


def is_ready(kind: Kind, server: Server, database: psycopg.Connection) -> bool:
    if kind.path:
        with suppress(OSError, asyncio.IncompleteReadError):
            return bool(asyncio.run(one_answer(server.address, Request("GET", kind.path))))
        return False
    asked = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND query <> ''"
    return bool(database.execute(asked, [kind.name]).fetchone())


def show(starts: dict[str, list[Start]]) -> None:
    header = ["", "start, s", "CPU, s", f"x {REFERENCE}", "MB (PSS)", "MB, largest process", "processes"]
    reference = [start.cpu for start in starts[REFERENCE]]
    rows = []
    for name, own in starts.items():
        cpu = [start.cpu for start in own]
        seconds = [f"{median(values):.1f}" for values in ([start.clock for start in own], cpu)]
        sizes = [report.count([start.megabytes for start in own]), report.count([s.largest_megabytes for s in own])]
        rows.append([name, *seconds, report.ratio(cpu, reference), *sizes, str(own[-1].processes)])
    print(report.table(header, rows))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(report.heading("Starting"))
    starts: dict[str, list[Start]] = {}
    with on_postgres() as portal:
        for _ in range(rounds):
            for kind in KINDS:
                starts.setdefault(kind.name, []).append(start(kind, portal))
    show(starts)


if __name__ == "__main__":
    main()
