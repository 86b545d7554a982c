"""What programs ask the API for all the time: its cost beside a bare Django view with one query and a bare answer."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from . import report
from .client import Request
from .costs import Costs, Side, cpu_cells, take_turns
from .portal import Portal, on_postgres, on_sqlite
from .servers import free_port, python, serving, uvicorn

REFERENCE = "Django view, one query"
BARE = "ASGI, no Django"
TOKENS = 50
SDK = "/luna-solve/api/v1"
REST = "/api/v1/organizations/benchmark"
# What is asked, by the name under which the table shows it.
KINDS = {
    "users/me": f"{SDK}/users/me",
    "quota": f"{SDK}/qpu-tokens/shared/quota/group/lab",
    "tokens, 10 (SDK)": f"{SDK}/qpu-tokens",
    f"tokens, {TOKENS} (SDK)": f"{SDK}/qpu-tokens?limit={TOKENS}",
    f"tokens, {TOKENS} (REST)": f"{REST}/qpu-tokens?limit={TOKENS}",
    "time left (REST)": f"{REST}/qpu-tokens/group/lab/time-left",
}


@dataclass(frozen=True)
class Web(Side):
    """A server that answers the API."""

    api_key: str = ""

    def request(self, path: str) -> Request:
        return Request("GET", path, {"Luna-API-Key": self.api_key, "User-Agent": "LunaSDK/1.3.1"})


def gunicorn(application: str, port: int) -> list[str]:
    """One process with the options of gunicorn.conf.py, so that CPU time is that of the requests alone."""
    return [*python("gunicorn"), "--workers", "1", "--bind", f"127.0.0.1:{port}", application]


@contextmanager
def portal_web(portal: Portal) -> Iterator[Web]:
    port = free_port()
    with serving(*gunicorn("lunaportal.wsgi", port), port=port, environment=portal.environment) as server:
        yield Web("", server, portal.database, portal.api_key)


@contextmanager
def django_view(portal: Portal) -> Iterator[Web]:
    port = free_port()
    command = gunicorn("benchmarks.hops.django_query", port)
    environment = portal.environment | {"BENCHMARK_TOKEN": "1"}
    with serving(*command, port=port, environment=environment) as server:
        yield Web(REFERENCE, server, portal.database)


@contextmanager
def bare_answer() -> Iterator[Web]:
    port = free_port()
    with serving(*uvicorn("benchmarks.hops.asgi_answer:application", port), port=port) as server:
        yield Web(BARE, server)


def show(name: str, costs: Costs) -> None:
    header = [name, "CPU, µs", f"x {REFERENCE}", "answers/s", f"x {REFERENCE}"]
    print(report.table(header, [row(*asked, costs) for asked in costs]))


def row(side: str, kind: str, costs: Costs) -> list[str]:
    own, reference = costs[side, kind], costs[REFERENCE, ""]
    rates, reference_rates = ([1 / cost.clock for cost in found] for found in (own, reference))
    return [kind or side, *cpu_cells(own, reference), report.count(rates), report.ratio(rates, reference_rates)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1, help="of load for each kind of request in a round")
    arguments = parser.parse_args()
    for name, fresh in (("PostgreSQL", on_postgres), ("SQLite", on_sqlite)):
        print(report.heading(f"The API on {name}"))
        with (
            fresh(fill=f"open_lab(tokens={TOKENS})") as portal,
            bare_answer() as bare,
            django_view(portal) as view,
            portal_web(portal) as web,
        ):
            turns: list[tuple[str, Side, Request]] = [("", side, side.request("/")) for side in (bare, view)]
            turns += [(kind, web, web.request(path)) for kind, path in KINDS.items()]
            show(name, take_turns(turns, **vars(arguments)))


if __name__ == "__main__":
    main()
