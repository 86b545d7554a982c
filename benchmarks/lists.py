"""Whether pages and lists take longer the longer a ledger is, and the more members there are."""

import argparse
import base64
import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import psycopg

from tests.postgres import fresh_server

from . import report
from .api import gunicorn
from .portal import NOWHERE, fresh_portal, postmaster
from .servers import Server, free_port, serving

MOST_BYTES = 16_000  # of an export, which goes on; pages are read whole
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
    "my usage, CSV": f"{PAGE}/usage.csv?days=365",
    "everybody's usage, CSV": f"{PAGE}/usage/everybody.csv?days=365",
    "audit log": f"{PAGE}/audit",
    "audit log, of a kind": f"{PAGE}/audit?action=token_renamed",
    "audit log, CSV": f"{PAGE}/audit.csv",
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
CHARTS = {
    "my usage": f"{PAGE}/usage",
    "everybody's usage": f"{PAGE}/usage/everybody",
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
    "ledger, of a month": f"{LEDGER}&since=MONTH&until=NEXT",
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


@dataclass(frozen=True)
class World:
    """A portal with so many members and jobs, and one web process."""

    members: int
    jobs: int
    port: int
    headers: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.jobs:,} jobs, {self.members:,} members"

    def seconds(self, path: str) -> float:
        """How long the answer takes: a page whole, an export until its first rows are there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        started = time.monotonic()
        connection.request("GET", self.address(path), headers=self.headers)
        answer = connection.getresponse()
        answer.read(MOST_BYTES if ".csv" in path else None)
        passed = time.monotonic() - started
        connection.close()
        if answer.status != HTTPStatus.OK:
            raise SystemExit(f"{path} is answered by {answer.status}.")
        return passed

    def address(self, path: str) -> str:
        cursor = base64.b64encode(f"p={self.jobs // 2}".encode()).decode()
        long_ago = datetime.now(UTC) - timedelta(days=240)
        days = {"MONTH": long_ago, "NEXT": long_ago + timedelta(days=31)}
        for word, day in days.items():
            path = path.replace(word, f"{day:%Y-%m-%dT00:00:00Z}")
        return path.replace("HALF", cursor)


@contextmanager
def serving_world(server_url: str, members: int, jobs: int) -> Iterator[World]:
    """A database of its own on the server, filled, and a web process on it."""
    url = server_url.replace("/postgres?", f"/benchmark_{members}_{jobs}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE benchmark_{members}_{jobs}")
    portal = fresh_portal(url, Server(postmaster(url)), NOWHERE, f"open_company({members}, {jobs})")
    port = free_port()
    with serving(*gunicorn("lunaportal.wsgi", port), port=port, environment=portal.environment):
        yield World(members, jobs, port, {"Luna-API-Key": portal.api_key, "Cookie": f"sessionid={portal.session}"})


Times = dict[tuple[str, str], list[float]]  # of each round, by name of the world and path


def measure(worlds: Sequence[World], paths: Sequence[str], rounds: int) -> Times:
    """Seconds for each answer. The worlds take turns with every request; a first round warms up."""
    times: Times = {}
    for number in range(rounds + 1):
        for path in paths:
            for world in worlds:
                seconds = world.seconds(path)
                if number:
                    times.setdefault((world.name, path), []).append(seconds)
    return times


def show(title: str, paths: dict[str, str], worlds: Sequence[World], times: Times) -> None:
    """Milliseconds in the first world and the last, and how many times as long the others take.

    Of all rounds the fastest answer counts: whatever else the machine does only adds to it.
    """
    reference, *others = [world.name for world in worlds]
    rows = []
    for name, path in paths.items():
        own = min(times[reference, path])
        cells = [f"{min(times[other, path]) / own:.2f}" for other in others]
        rows.append([name, f"{own * 1000:.1f}", f"{min(times[others[-1], path]) * 1000:.1f}", *cells])
    header = [title, f"{reference}, ms", f"{others[-1]}, ms", *(f"x with {other}" for other in others)]
    print(report.table(header, rows))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000, 100_000, 10_000_000], help="sizes of ledgers")
    parser.add_argument("--members", type=int, nargs="+", default=[50, 5_000])
    arguments = parser.parse_args()
    few_jobs, few_members = arguments.jobs[0], arguments.members[0]
    sizes = [(few_members, jobs) for jobs in arguments.jobs] + [(many, few_jobs) for many in arguments.members[1:]]
    with fresh_server() as url, ExitStack() as stack:
        worlds = [stack.enter_context(serving_world(url, members, jobs)) for members, jobs in sizes]
        print(report.heading("Pages and lists on PostgreSQL"))
        for title, paths in {"page": PAGES, "list of the API": ENDPOINTS, "chart": CHARTS}.items():
            show(title, paths, worlds, measure(worlds, list(paths.values()), arguments.rounds))
            print()


if __name__ == "__main__":
    main()
