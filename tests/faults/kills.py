"""python -m tests.faults.kills: processes of the portal die by kill -9 at random moments while jobs go on.

On PostgreSQL all database connections are cut off now and then as well. D-Wave stays up, with a little jitter and,
unless told not to, with faults of its own. Exits 1 unless in the end nothing is open, and the ledger has each problem
that D-Wave really ran, once, with what it cost.
"""

import argparse
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from random import Random
from threading import Lock

from . import portal
from .portal import GIVEN_BACK_SECONDS, Emulator, Portal, QpuToken, Usage
from .programs import Program, Tally, job

CLIENTS = 12
JOB_NS = 25_000_000  # more than any of the jobs here may cost
PROGRESS_SECONDS = 10
RECOVERY_SECONDS = GIVEN_BACK_SECONDS + 120

# What goes wrong at D-Wave, each with a small probability, until the last job is sent.
FAULTS = [
    {"on": "submit", "kind": "drop", "when": "before", "share": 0.02},
    {"on": "submit", "kind": "drop", "when": "after", "share": 0.02},
    {"on": "submit", "kind": "status", "when": "before", "share": 0.02},
    {"on": "submit", "kind": "html", "when": "after", "share": 0.01},
    {"on": "submit", "kind": "delay", "when": "after", "share": 0.02, "seconds": 3},
    {"on": "submit", "kind": "hang", "when": "after", "share": 0.002, "seconds": 60},
    {"on": "submit", "kind": "wrong_ids", "share": 0.01},
    {"on": "submit", "kind": "missing_ids", "share": 0.01},
    {"on": "item", "kind": "refuse", "share": 0.01},
    {"on": "item", "kind": "fail", "share": 0.02},
    {"on": "poll", "kind": "status", "share": 0.03},
    {"on": "poll", "kind": "missing_ids", "share": 0.02},
    {"on": "list", "kind": "status", "share": 0.1},
    {"on": "answer", "kind": "cut", "share": 0.03},
    {"on": "answer", "kind": "no_timing", "share": 0.03},
    {"on": "cancel", "kind": "drop", "when": "after", "share": 0.1},
]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rate", type=float, default=20, help="jobs per second at most")
    parser.add_argument("--no-faults", action="store_false", dest="faults", help="D-Wave itself works well")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


# --- Jobs -------------------------------------------------------------------------------------------------------------


class Supply:
    """Jobs for all clients, no faster than so many per second."""

    def __init__(self, jobs: int, rate: float) -> None:
        self.jobs, self.rate = jobs, rate
        self.taken = 0
        self.lock = Lock()
        self.began = time.monotonic()

    def take(self, number: int) -> int:
        """How many jobs the caller may send now; 0 when all are taken."""
        with self.lock:
            granted = min(number, self.jobs - self.taken)
            due = self.began + self.taken / self.rate
            self.taken += granted
        time.sleep(max(0.0, due - time.monotonic()))
        return granted


def work(program: Program, supply: Supply, rng: Random) -> None:
    """Submit batches, and behave towards each in one of the ways in which programs behave."""
    ways: dict[Callable, int] = {stay: 8, forget: 5, cancel: 4, hang_up: 3}
    while number := supply.take(rng.randint(1, 10)):
        (way,) = rng.choices(list(ways), list(ways.values()))
        way(program, [job(rng, most_reads=100) for _ in range(number)], rng)


def stay(program: Program, jobs: list, rng: Random) -> None:
    program.wait(program.submit(jobs), patience=60)


def forget(program: Program, jobs: list, rng: Random) -> None:
    program.submit(jobs)


def cancel(program: Program, jobs: list, rng: Random) -> None:
    ids = program.submit(jobs)
    time.sleep(rng.uniform(0, 0.1))
    if ids:
        program.cancel(rng.sample(ids, rng.randint(1, len(ids))))


def hang_up(program: Program, jobs: list, rng: Random) -> None:
    program.submit(jobs, seconds=rng.uniform(0.01, 0.2))


# --- Kills ------------------------------------------------------------------------------------------------------------


def kill_now_and_then(running: Portal, supply: Supply, kills: int, rng: Random) -> Counter[str]:
    """Kill something shortly after each of some random numbers of jobs, and start it anew at once."""
    killed: Counter[str] = Counter()
    for jobs in sorted(rng.sample(range(supply.jobs), kills)):
        portal.until(partial(has_sent, supply, jobs), seconds=600, pause=0.01)
        time.sleep(rng.uniform(0, 0.5))
        victim = rng.choice(running.victims)
        victim.kill()
        victim.start()
        killed[victim.name] += 1
    return killed


def has_sent(supply: Supply, jobs: int) -> bool:
    return supply.taken > jobs


# --- Recovery ---------------------------------------------------------------------------------------------------------


@dataclass
class Recovery:
    """Seconds from the last job until all that ran was booked, and until nothing was open; None: it took too long."""

    booked: float | None = None
    closed: float | None = None

    def __str__(self) -> str:
        booked, closed = ("never" if each is None else f"after {each:.0f} s" for each in (self.booked, self.closed))
        return f"All that ran was booked {booked}, the last line closed {closed}."


def recover(tokens: list[QpuToken], dwave: Emulator) -> Recovery:
    print(f"All is sent. Lines without a trace at D-Wave are given back when they are {GIVEN_BACK_SECONDS} s old.")
    recovery, began = Recovery(), time.monotonic()
    while recovery.closed is None and (elapsed := time.monotonic() - began) < RECOVERY_SECONDS:
        time.sleep(1)
        if not portal.all_ended(dwave):
            continue
        if recovery.booked is None and all(portal.books(token, dwave).agree for token in tokens):
            recovery.booked = elapsed
        if not portal.open_lines(tokens):
            recovery.closed = elapsed
    return recovery


# --- All of it --------------------------------------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> list[str]:
    """What went wrong."""
    print(f"{arguments.jobs} jobs, {arguments.kills} kills, seed {arguments.seed}.", flush=True)
    portal.prepare_database()
    crowd = portal.members(CLIENTS)
    tokens = make_tokens(crowd, arguments.jobs)
    with portal.running(jitter=0.03, pace=1.0, seed=arguments.seed) as running:
        for fault in FAULTS if arguments.faults else []:
            running.dwave.fault(**fault, times=None)
        tally, killed = send_all(arguments, running, list(zip(crowd, itertools.cycle(tokens), strict=False)))
        running.dwave.clear_faults()
        recovery = recover(tokens, running.dwave)
        books = [portal.books(token, running.dwave) for token in tokens]
    kills = ", ".join(f"{name} {number} times" for name, number in sorted(killed.items()))
    lines = Counter(Usage.objects.filter(token_id__in=[token.pk for token in tokens]).values_list("status", flat=True))
    print(f"\n{tally}\n\n{portal.table_of(books)}\n\nLines: {dict(lines)}.\nKilled: {kills}.\n{recovery}")
    return [*portal.complaints(books, running), *(["Not all lines were closed."] if recovery.closed is None else [])]


def make_tokens(crowd: list, jobs: int) -> list[QpuToken]:
    """Two tokens, with quotas for the group that suffice, and for every third member ones that do not."""
    admin = crowd[0][0]
    tokens = [portal.group_token(f"qpu{i}", by=admin) for i in range(2)]
    for token in tokens:
        portal.assign(token, None, jobs * JOB_NS, by=admin)
        for member, _ in crowd[::3]:
            portal.assign(token, member, jobs * JOB_NS // CLIENTS // 2, by=admin)
    return tokens


def send_all(arguments: argparse.Namespace, running: Portal, doors: list) -> tuple[Tally, Counter[str]]:
    """Let all clients send jobs, and kill meanwhile. How clients were answered, and how often what was killed."""
    portal.connection.close()  # it may be cut off meanwhile
    tally, supply = Tally(), Supply(arguments.jobs, arguments.rate)
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        killed = pool.submit(kill_now_and_then, running, supply, arguments.kills, Random(arguments.seed))
        under_way = [killed]
        for number, ((_, key), token) in enumerate(doors):
            rng = Random(f"{arguments.seed} {number}")
            program = Program(running.addresses, token.name, key, tally, rng)
            under_way.append(pool.submit(work, program, supply, rng))
        while wait(under_way, timeout=PROGRESS_SECONDS).not_done:
            print(f"{supply.taken} jobs sent", flush=True)
    for client in under_way:
        client.result()  # or whatever it has raised
    return tally, killed.result()


if __name__ == "__main__":
    sys.exit(portal.verdict(main(parse_arguments())))
