"""What the gateway costs: CPU time for each poll, submission and answer, beside the shortest ways to pass them on."""

import argparse
import asyncio
import base64
import random
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy
import orjson

from . import report
from .client import Request, one_answer
from .costs import Costs, Side, cpu_cells, take_turns
from .portal import PREFIX, Portal, on_postgres, on_sqlite
from .servers import Server, find_program, free_port, python, serving, uvicorn
from .upstream import QUBITS, SOLVER

DIRECT = "/sapi/v2/"
REFERENCE = "Django view, asynchronous"
KINDS = ("poll", "submit", "answer")


@dataclass(frozen=True)
class Hop(Side):
    """A server between the client and D-Wave, and where it is asked."""

    prefix: str = DIRECT
    api_key: str = ""

    def request(self, method: str, path: str, body: bytes = b"") -> Request:
        encoding = {"Content-Encoding": "deflate"} if body else {}
        return Request(method, self.prefix + path, {"X-Auth-Token": self.api_key, **encoding}, body)


# --- What is asked ----------------------------------------------------------------------------------------------------


def job() -> bytes:
    """A submission as Ocean sends it: 240 of 5,640 qubits, 62 kB, deflated to 1.4 kB."""
    chosen = random.Random(1)
    linear = numpy.full(QUBITS, numpy.nan)
    linear[chosen.sample(range(QUBITS), 240)] = [chosen.choice((-1.0, 1.0)) for _ in range(240)]
    quadratic = numpy.array([chosen.choice((-1.0, 1.0)) for _ in range(360)])
    data = {"format": "qp", "lin": encoded(linear), "quad": encoded(quadratic), "offset": 0.0}
    return zlib.compress(
        orjson.dumps([{"solver": SOLVER, "type": "ising", "params": {"num_reads": 100}, "data": data}])
    )


def encoded(values: numpy.ndarray) -> str:
    return base64.b64encode(values.astype("<f8").tobytes()).decode()


def submission(hop: Hop) -> Request:
    return hop.request("POST", "problems/", job())


def poll(hop: Hop, problem_id: str, seconds: int = 1) -> Request:
    return hop.request("GET", f"problems/?id={problem_id}&timeout={seconds}")


def answer(hop: Hop, problem_id: str) -> Request:
    return hop.request("GET", f"problems/{problem_id}/")


def submit_one(hop: Hop) -> str:
    """The id of a problem that is under way."""
    (status,) = orjson.loads(asyncio.run(one_answer(hop.server.address, submission(hop))))
    return str(status["id"])


def requests_to(hop: Hop) -> dict[str, Request]:
    """What is measured. The problem that is asked for has ended and is settled, as the last poll of all."""
    problem_id = submit_one(hop)
    asyncio.run(one_answer(hop.server.address, answer(hop, problem_id)))
    return {"poll": poll(hop, problem_id), "submit": submission(hop), "answer": answer(hop, problem_id)}


# --- What is in between -----------------------------------------------------------------------------------------------


@contextmanager
def upstream() -> Iterator[Server]:
    port = free_port()
    with serving(*python("benchmarks.upstream", str(port)), port=port) as server:
        yield server


@contextmanager
def nginx(upstream: Server, program: str) -> Iterator[Hop]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="lunaportal-benchmark-") as folder:
        words = {"PORT": str(port), "UPSTREAM": f"127.0.0.1:{upstream.port}", "FOLDER": folder}
        text = Path(__file__).with_name("hops").joinpath("nginx.conf").read_text()
        for word, value in words.items():
            text = text.replace(word, value)
        configuration = Path(folder, "nginx.conf")
        configuration.write_text(text)
        with serving(program, "-c", str(configuration), port=port) as server:
            yield Hop("nginx proxy_pass", server)


@contextmanager
def aiohttp_proxy(upstream: Server) -> Iterator[Hop]:
    port = free_port()
    with serving(*python("benchmarks.hops.aiohttp_proxy", str(port), upstream.address), port=port) as server:
        yield Hop("aiohttp proxy", server)


@contextmanager
def django_view(upstream: Server) -> Iterator[Hop]:
    port = free_port()
    command = uvicorn("benchmarks.hops.django_view:application", port)
    with serving(*command, port=port, environment={"BENCHMARK_UPSTREAM": upstream.address}) as server:
        yield Hop(REFERENCE, server)


def gunicorn(application: str, port: int) -> list[str]:
    """As docs/gateway.md has it served, and `./dev up`; gunicorn.conf.py adds the rest."""
    options = ["--worker-class", "asgi", "--workers", "1", "--threads", "1"]
    return [*python("gunicorn", *options), "--bind", f"127.0.0.1:{port}", application]


@contextmanager
def gateway(name: str, portal: Portal, command: list[str], port: int) -> Iterator[Hop]:
    with serving(*command, port=port, environment=portal.environment) as server:
        yield Hop(f"gateway, {name}", server, portal.database, PREFIX, portal.api_key)


@contextmanager
def hops() -> Iterator[list[Hop]]:
    """All that can be measured here, serving."""
    with ExitStack() as stack:
        behind = stack.enter_context(upstream())
        found = []
        if program := find_program("nginx"):
            found.append(stack.enter_context(nginx(behind, program)))
        else:
            print("nginx is not installed, so it is missing below (Debian: apt install nginx-light).")
        found += [stack.enter_context(aiohttp_proxy(behind)), stack.enter_context(django_view(behind))]
        for database, fresh in (("SQLite", on_sqlite), ("PostgreSQL", on_postgres)):
            portal = stack.enter_context(fresh(behind.address))
            for server in (uvicorn, gunicorn):
                port = free_port()
                command = server("lunaportal.asgi:application", port)
                found.append(stack.enter_context(gateway(f"{server.__name__}, {database}", portal, command, port)))
        yield found


# --- Measuring --------------------------------------------------------------------------------------------------------


def measure(found: list[Hop], *, rounds: int, clients: int, seconds: float) -> Costs:
    """What each request costs. All hops take turns."""
    asked = {hop.name: requests_to(hop) for hop in found}
    turns = [(kind, hop, asked[hop.name][kind]) for kind in KINDS for hop in found]
    return take_turns(turns, rounds=rounds, clients=clients, seconds=seconds)


def show(costs: Costs) -> None:
    header = ["CPU time", *(cell for kind in KINDS for cell in (f"{kind}, µs", "x Django view"))]
    names = dict.fromkeys(name for name, _ in costs)
    print(report.table(header, [row(name, costs) for name in names]))


def row(name: str, costs: Costs) -> list[str]:
    return [name, *(cell for kind in KINDS for cell in cpu_cells(costs[name, kind], costs[REFERENCE, kind]))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1, help="of load for each hop and kind of request in a round")
    arguments = parser.parse_args()
    print(report.heading("The gateway beside shorter ways"))
    with hops() as found:
        show(measure(found, **vars(arguments)))


if __name__ == "__main__":
    main()
