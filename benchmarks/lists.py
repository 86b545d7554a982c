"""Whether pages and lists cost more the longer a ledger is, and the more members there are."""

import argparse
import base64
import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from statistics import median

import psutil
import psycopg

from tests.postgres import fresh_server

from . import report
from .api import gunicorn
from .portal import NOWHERE, fresh_portal, postmaster
from .servers import Server, free_port, serving

SIZES = ["50:1_000", "50:100_000", "50:10_000_000", "5_000:1_000", "5_000:1_000_000"]
FIRST_ROWS = 16_000  # bytes of an export
FINISHES = 0.01  # seconds that a web process may need when its answer is there
FILLS_A_STEP = 100_000  # jobs, with which each export has more rows than it reads at first
PAGE = "/o/benchmark"
REST = "/api/v1/organizations/benchmark"
LEDGER = f"{REST}/usage?of=organization"

PAGES = {
    "dashboard": PAGE,
    "overview": f"{PAGE}/overview",
    "my jobs": f"{PAGE}/jobs",
    "everybody's jobs": f"{PAGE}/jobs/everybody",
    "everybody's jobs, open": f"{PAGE}/jobs/everybody?state=open",
    "everybody's jobs, of a member": f"{PAGE}/jobs/everybody?member=ada@example.com",
    "everybody's jobs, on a token": f"{PAGE}/jobs/everybody?token=lab",
    "audit log": f"{PAGE}/audit",
    "audit log, of a kind": f"{PAGE}/audit?action=token_renamed",
    "tokens": f"{PAGE}/tokens",
    "a token": f"{PAGE}/tokens/group/lab",
    "quotas on a token": f"{PAGE}/tokens/group/lab/quotas",
    "quotas, the least left first": f"{PAGE}/tokens/group/lab/quotas?order=left",
    "assigning quotas": f"{PAGE}/tokens/group/lab/quotas/assign",
    "members": f"{PAGE}/members",
    "members, searched": f"{PAGE}/members?search=member4",
    "members' keys": f"{PAGE}/members/keys",
    "my keys": f"{PAGE}/keys",
}
EXPORTS = {
    "my usage": f"{PAGE}/usage.csv?days=365",
    "everybody's usage": f"{PAGE}/usage/everybody.csv?days=365",
    "audit log": f"{PAGE}/audit.csv",
}
CHARTS = {
    "my usage": f"{PAGE}/usage",
    "everybody's usage": f"{PAGE}/usage/everybody",
    "everybody's usage, a year": f"{PAGE}/usage/everybody?days=365",
    "everybody's usage by solver, a year": f"{PAGE}/usage/everybody?by=solver&days=365",
}
ENDPOINTS = {
    "ledger": LEDGER,
    "ledger, oldest first": f"{LEDGER}&order=id",
    "ledger, half way down": f"{LEDGER}&cursor=HALF",
    "ledger, given back": f"{LEDGER}&status=released",
    "ledger, open": f"{LEDGER}&status=reserved",
    "ledger, solve jobs": f"{LEDGER}&source=solve_job",
    "ledger, of a user": f"{LEDGER}&user=ada@example.com",
    "ledger, on a token": f"{LEDGER}&token=lab",
    "ledger, of months ago": f"{LEDGER}&since=SINCE&until=UNTIL",
    "my ledger": f"{REST}/usage",
    "problems": f"{REST}/problems?of=organization",
    "problems, cancelled": f"{REST}/problems?of=organization&status=CANCELLED",
    "problems, ended": f"{REST}/problems?of=organization&open=false",
    "audit": f"{REST}/audit",
    "members": f"{REST}/members",
    "keys": f"{REST}/api-keys",
    "tokens": f"{REST}/qpu-tokens",
    "users of a token": f"{REST}/qpu-tokens/group/lab/users",
    "time left": f"{REST}/qpu-tokens/group/lab/time-left",
    "tokens (SDK)": "/luna-solve/api/v1/qpu-tokens",
    "solve jobs (SDK)": "/luna-solve/api/v1/solve-jobs/metadata",
}


@dataclass(frozen=True, eq=False)
class World:
    """A portal with so many members and jobs, and one web process."""

    members: int
    jobs: int
    web: Server
    postgres: Server
    headers: dict[str, str]

    @property
    def database(self) -> str:
        return f"benchmark_{self.members}_{self.jobs}"

    def cpu_of(self, path: str) -> float:
        """How many seconds the web process and its connections to the database work for a page."""
        before = self.cpu_seconds()
        with self.answer(path) as answer:
            answer.read()
        time.sleep(FINISHES)
        return self.cpu_seconds() - before

    def cpu_seconds(self) -> float:
        return sum(map(seconds_at_work, chain(self.web.processes(), self.connections())))

    def connections(self) -> Iterator[psutil.Process]:
        for process in self.postgres.processes():
            with suppress(psutil.NoSuchProcess):  # others of the server come and go
                if f" {self.database} [local] " in " ".join(process.cmdline()):
                    yield process

    def time_of(self, path: str) -> float:
        """How many seconds it takes until the first rows of an export are there."""
        started = time.monotonic()
        with self.answer(path) as answer:
            answer.read(FIRST_ROWS)
            return time.monotonic() - started

    @contextmanager
    def answer(self, path: str) -> Iterator[http.client.HTTPResponse]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=600)) as connection:
            connection.request("GET", self.address(path), headers=self.headers)
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise SystemExit(f"{path} is answered by {answer.status}.")
            yield answer

    def address(self, path: str) -> str:
        cursor = base64.b64encode(f"p={self.jobs // 2}".encode()).decode()
        for word, days_ago in {"SINCE": 240, "UNTIL": 120}.items():
            path = path.replace(word, f"{datetime.now(UTC) - timedelta(days=days_ago):%Y-%m-%dT00:00:00Z}")
        return path.replace("HALF", cursor)


def seconds_at_work(process: psutil.Process) -> float:
    """On CPUs, to the nanosecond, where cpu_times() would count hundredths of a second."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


@contextmanager
def serving_world(server_url: str, members: int, jobs: int) -> Iterator[World]:
    """A database of its own on the server, filled, and a web process on it."""
    name = f"benchmark_{members}_{jobs}"
    url, postgres = server_url.replace("/postgres?", f"/{name}?"), Server(postmaster(server_url))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        # So that connections do all of their work themselves.
        connection.execute(f"ALTER DATABASE {name} SET max_parallel_workers_per_gather = 0")
    portal = fresh_portal(url, postgres, NOWHERE, f"open_company({members}, {jobs})")
    headers = {"Luna-API-Key": portal.api_key, "Cookie": f"sessionid={portal.session}"}
    port = free_port()
    with serving(*gunicorn("lunaportal.wsgi", port), port=port, environment=portal.environment) as web:
        yield World(members, jobs, web, postgres, headers)


Measure = Callable[[World, str], float]
Costs = dict[tuple[World, str], list[float]]  # seconds of each round, by path


def take_turns(measure: Measure, worlds: Sequence[World], paths: Sequence[str], rounds: int) -> Costs:
    """Seconds for each answer. The worlds take turns with every request; a first round warms up."""
    costs: Costs = {}
    for number in range(rounds + 1):
        for path in paths:
            for world in worlds:
                seconds = measure(world, path)
                if number:
                    costs.setdefault((world, path), []).append(seconds)
    return costs


def show(title: str, paths: dict[str, str], measure: Measure, worlds: Sequence[World], rounds: int) -> None:
    """Milliseconds with the fewest jobs, and how many times as much it is with more, for each number of members."""
    costs = take_turns(measure, worlds, list(paths.values()), rounds)
    fewest = {world.members: world for world in reversed(worlds)}
    rows = []
    for name, path in paths.items():
        typical = {world: median(costs[world, path]) for world in worlds}
        rows.append([name, *(cell(world, fewest[world.members], typical) for world in worlds)])
    print(report.table([title, *(heading(world, fewest[world.members]) for world in worlds)], rows))


def heading(world: World, reference: World) -> str:
    jobs = f"{world.jobs:,} jobs"
    return f"{world.members:,} members, {jobs}, ms" if world is reference else f"x with {jobs}"


def cell(world: World, reference: World, typical: dict[World, float]) -> str:
    seconds = typical[world]
    return f"{seconds * 1000:.1f}" if world is reference else f"{seconds / typical[reference]:.2f}"


def size(text: str) -> tuple[int, int]:
    members, jobs = text.split(":")
    return int(members), int(jobs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "sizes", type=size, nargs="*", default=[*map(size, SIZES)], help="members:jobs, the fewest jobs first"
    )
    arguments = parser.parse_args()
    with fresh_server() as url, ExitStack() as stack:
        worlds = [stack.enter_context(serving_world(url, *members_and_jobs)) for members_and_jobs in arguments.sizes]
        show_all(worlds, arguments.rounds)


def show_all(worlds: Sequence[World], rounds: int) -> None:
    print(report.heading("Pages and lists on PostgreSQL: CPU time"))
    for title, paths in {"page": PAGES, "list of the API": ENDPOINTS, "chart": CHARTS}.items():
        show(title, paths, World.cpu_of, worlds, rounds)
        print()
    if large := [world for world in worlds if world.jobs >= FILLS_A_STEP]:
        print(report.heading("Exports: until their first rows"))
        show("export", EXPORTS, World.time_of, large, rounds)


if __name__ == "__main__":
    main()
