"""python -m tests.faults.crowd: many programs at once, at quotas for a tenth of what they want.

Exits 1 unless every request is answered, the ledger equals what D-Wave really ran, and no quota is exceeded by more
than estimates have missed.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from threading import Barrier
from typing import Any

import dwave.cloud
from dwave.cloud.exceptions import SolverFailureError

from . import portal
from .portal import Portal, QpuToken, TimeQuotaPolicy, Usage
from .programs import REQUESTS, Program, Tally, expected_ns, job, solver_of

SHARE = 10  # quotas suffice for one in so many problems
TOKENS = 2
PATIENCE = 300  # seconds that a client waits for its problems


@dataclass(frozen=True)
class Client:
    """A member's program, and all that it wants to run at once."""

    token: QpuToken
    key: str
    jobs: list[dict[str, Any]]
    rng: Random


@dataclass(frozen=True)
class Limit:
    """How a quota was kept: what was used, and by how much its jobs have cost more than they were estimated at."""

    policy: TimeQuotaPolicy

    @property
    def missed_ns(self) -> int:
        jobs = Usage.objects.filter(**{f"{self.policy.subject}_policy_id": self.policy.pk}, status="settled")
        return sum(max(0, cost - estimate) for cost, estimate in jobs.values_list("access_time_ns", "estimate_ns"))

    @property
    def holds(self) -> bool:
        return self.policy.used_ns <= self.policy.quota_ns + self.missed_ns


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crowd")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--problems", type=int, default=20, help="that each client wants to run")
    parser.add_argument("--ocean", type=int, default=3, help="so many of the clients are the real Ocean client")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


# --- Before: people, tokens, quotas -----------------------------------------------------------------------------------


def make_clients(number: int, problems: int, seed: int) -> list[Client]:
    """A client for each member, spread over some tokens. Each token has a quota, and so has every third member."""
    crowd = portal.members(number)
    admin = crowd[0][0]
    tokens = [portal.group_token(f"qpu{i}", by=admin) for i in range(TOKENS)]
    clients = []
    for i, (member, key) in enumerate(crowd):
        rng, token = Random(f"{seed} {i}"), tokens[i % TOKENS]
        clients.append(Client(token, key, [job(rng, most_reads=50) for _ in range(problems)], rng))
        if i % 3 == 0:
            portal.assign(token, member, cost_ns(clients[-1:]) // SHARE, by=admin)
    for token in tokens:
        wanted_ns = cost_ns(client for client in clients if client.token == token)
        portal.assign(token, None, wanted_ns // SHARE, by=admin)
    return clients


def cost_ns(clients) -> int:
    return sum(expected_ns(job) for client in clients for job in client.jobs)


# --- The crowd --------------------------------------------------------------------------------------------------------


def send_all(clients: list[Client], oceans: int, running: Portal, tally: Tally) -> bool:
    """Let all clients begin at the same moment. Whether each has seen the end of its problems."""
    together = Barrier(len(clients))

    def run(number: int) -> bool:
        together.wait()
        kind = run_ocean if number < oceans else run_program
        return kind(clients[number], running, tally)

    with ThreadPoolExecutor(len(clients)) as pool:
        return all(list(pool.map(run, range(len(clients)))))


def run_program(client: Client, running: Portal, tally: Tally) -> bool:
    """Submit in small batches, then wait for all that was taken."""
    program = Program(running.addresses, client.token.name, client.key, tally, client.rng)
    jobs, ids = list(client.jobs), []
    while jobs:
        size = client.rng.randint(1, 5)
        batch, jobs = jobs[:size], jobs[size:]
        ids += program.submit(batch)
    return program.wait(ids, patience=PATIENCE)


def run_ocean(client: Client, running: Portal, tally: Tally) -> bool:
    """The same by D-Wave's own client."""
    endpoint = f"{client.rng.choice(running.addresses)}/dwave/shared/{client.token.name}/sapi/v2/"
    with dwave.cloud.Client(endpoint=endpoint, token=client.key) as ocean:
        futures = [
            ocean.get_solver(name=job["solver"]["name"]).sample_ising(
                {int(solver_of(job).graph.qubits[0]): 1.0}, {}, **job["params"]
            )
            for job in client.jobs
        ]
        for future in futures:
            try:
                tally.note("problem", "taken" if future.wait(PATIENCE) and future.result() else "hangs")
            except SolverFailureError as error:
                tally.note("problem", "not taken, 403" if "insufficient remaining" in str(error) else str(error))
    return all(future.done() for future in futures)


# --- After: what the books say ----------------------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> list[str]:
    """What went wrong."""
    print(f"{arguments.clients} clients, {arguments.problems} problems each, quotas for one in {SHARE}.", flush=True)
    portal.prepare_database()
    clients = make_clients(arguments.clients, arguments.problems, arguments.seed)
    tokens = list({client.token: None for client in clients})
    tally = Tally()
    with portal.running(jitter=0.1, pace=1.0, seed=arguments.seed) as running:
        began = time.monotonic()
        seen = send_all(clients, arguments.ocean, running, tally)
        print(f"All clients are done after {time.monotonic() - began:.1f} s.", flush=True)
        portal.until(lambda: portal.all_ended(running.dwave), seconds=60)
        portal.until(lambda: not portal.open_lines(tokens), seconds=60)
        books = [portal.books(token, running.dwave) for token in tokens]
    limits = [Limit(policy) for policy in TimeQuotaPolicy.objects.filter(token__in=tokens).order_by("pk")]
    print(f"\n{tally}\n\n{portal.table_of(books)}\n\n{table_of(limits)}")
    unwanted = tally.outcomes(*REQUESTS) - {"200", "202"}
    return [
        *portal.complaints(books, running),
        *(f"{limit.policy} is exceeded" for limit in limits if not limit.holds),
        *(f"A request ended with: {outcome}" for outcome in unwanted),
        *([] if seen else ["A client did not see the end of its problems"]),
    ]


def table_of(limits: list[Limit]) -> str:
    lines = [f"{'quotas':<16}{'policies':>8}{'quota ns':>16}{'used ns':>16}{'missed ns':>16}"]
    for subject in ("group", "user"):
        rows = [limit for limit in limits if limit.policy.subject == subject]
        quota_ns, used_ns = (sum(getattr(row.policy, name) for row in rows) for name in ("quota_ns", "used_ns"))
        missed_ns = sum(row.missed_ns for row in rows)
        lines.append(f"{subject:<16}{len(rows):>8}{quota_ns:>16}{used_ns:>16}{missed_ns:>16}")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ |= {"DWAVE_CONFIG_FILE": os.devnull, "DWAVE_CACHE_HOME": portal.SCRATCH.name}
    sys.exit(portal.verdict(main(parse_arguments())))
