"""How long solve jobs of the Luna SDK take from `run` to `result`, beside D-Wave's own samplers called directly."""

import argparse
import logging
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import dimod
from dwave.samplers import SimulatedAnnealingSampler
from dwave.system import DWaveSampler, EmbeddingComposite

from tests.tours.conftest import Portal, python_with_sdk, running_portal

from . import report
from .graphs import ring
from .servers import free_port, python, serving

SDK = "1.3.1"
READS = 100
EMAIL = "ada@example.com"
REFERENCE = "directly"
PAUSES = {"portal, asked every 20 ms": "0.02", "portal, as the SDK asks": "sdk"}

Side = Callable[[str, int], float]  # seconds for a solver and so many variables


@contextmanager
def emulator() -> Iterator[str]:
    """The endpoint of a local D-Wave with chips as large as the real ones, which take their time as those do."""
    port = free_port()
    with serving(*python("emulator", "--any-token", "--full-size", "--port", str(port)), port=port):
        yield f"http://127.0.0.1:{port}/sapi/v2/"


@contextmanager
def portal_with_token(endpoint: str) -> Iterator[tuple[Portal, str]]:
    """A portal whose organization has a group token with a quota, and an admin's API key."""
    with (
        tempfile.TemporaryDirectory(prefix="lunaportal-benchmark-") as folder,
        running_portal(Path(folder), endpoint) as portal,
    ):
        api_key = portal.key_of(EMAIL, "admin")
        portal.manage("shell", "--no-imports", "-c", "from benchmarks.lab import *; give_tokens(1)")
        yield portal, api_key


@contextmanager
def sdk(portal: Portal, api_key: str) -> Iterator[Callable[[str, int, str], float]]:
    """The Luna SDK, in an environment of its own."""
    command = [str(python_with_sdk(SDK)), str(Path(__file__).with_name("sdk_jobs.py")), api_key]
    environment = {"LUNA_BASE_URL": portal.url, "LUNA_LOG_DISABLE_SPINNER": "true", "LUNA_LOG_LEVEL": "ERROR"}
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:

        def seconds(solver: str, variables: int, pause: str) -> float:
            print(solver, variables, pause, file=process.stdin, flush=True)
            return float(process.stdout.readline()) if process.stdout else 0

        yield seconds


def directly(endpoint: str) -> Side:
    """By dwave-system and dwave-samplers in this process, on the same D-Wave."""
    sampler = EmbeddingComposite(DWaveSampler(endpoint=endpoint, token="DEV-direct"))

    def seconds(solver: str, variables: int) -> float:
        bqm = dimod.BinaryQuadraticModel(*ring_terms(variables), 0, "BINARY")
        started = time.monotonic()
        chosen = sampler if solver == "QA" else SimulatedAnnealingSampler()  # type: ignore[no-untyped-call]
        chosen.sample(bqm, num_reads=READS).resolve()
        return time.monotonic() - started

    return seconds


def ring_terms(variables: int) -> tuple[dict[int, int], dict[tuple[int, int], int]]:
    linear, quadratic = ring(variables)
    return dict(enumerate(linear)), quadratic


Times = dict[tuple[str, str, int], list[float]]  # of each round, by side, solver and variables


def measure(sides: dict[str, Side], sizes: list[int], rounds: int) -> Times:
    """Seconds for each job. The sides take turns; a first round warms up."""
    times: Times = {}
    for number in range(rounds + 1):
        for solver in ("QA", "SA"):
            for variables in sizes:
                for name, side in sides.items():
                    seconds = side(solver, variables)
                    if number:
                        times.setdefault((name, solver, variables), []).append(seconds)
    return times


def show(times: Times) -> None:
    names = list(dict.fromkeys(name for name, _, _ in times))
    rows = []
    for solver, variables in dict.fromkeys((solver, variables) for _, solver, variables in times):
        direct = times[REFERENCE, solver, variables]
        cells = [f"{solver}, {variables} variables", f"{median(direct):.2f}"]
        for name in names[1:]:
            own = times[name, solver, variables]
            cells += [f"{median(own):.2f}", report.ratio(own, direct)]
        rows.append(cells)
    header = ["seconds", f"{REFERENCE}", *(cell for name in names[1:] for cell in (name, f"x {REFERENCE}"))]
    print(report.table(header, rows))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.solving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variables", type=int, nargs="+", default=[50, 200, 500])
    arguments = parser.parse_args()
    logging.disable()
    print(report.heading("Solve jobs, from run to result"))
    with emulator() as endpoint, portal_with_token(endpoint) as (portal, api_key), sdk(portal, api_key) as by_sdk:
        sides: dict[str, Side] = {REFERENCE: directly(endpoint)}
        for name, pause in PAUSES.items():
            sides[name] = lambda solver, variables, pause=pause: by_sdk(solver, variables, pause)  # type: ignore[misc]
        show(measure(sides, arguments.variables, arguments.rounds))


if __name__ == "__main__":
    main()
