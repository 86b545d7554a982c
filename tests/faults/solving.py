"""python -m tests.faults.solving: solve jobs of the Luna SDK go on while processes of the portal die by kill -9.

Members send jobs for D-Wave, on tokens of every kind, jobs for the portal's own samplers, and models that are meant to
do harm. Exits 1 unless every job ends as it should, the ledger has each problem that D-Wave really ran, once, with what
it cost, no secret that came with a job is left, and no child of a worker took more memory than it may have.
"""

import argparse
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread

import urllib3
from luna_model import Model, Solution
from urllib3.exceptions import HTTPError

from tests.solving.bombs import zstd_bomb

from . import portal
from .portal import Portal, QpuToken, Usage
from .programs import Tally

MEMORY_MB = 300
PROGRESS_SECONDS = 10
END_SECONDS = 600
QUOTA_NS = 10**15  # enough for all
ENDED = {"DONE", "FAILED", "CANCELED"}
LONGEST = 60.0
KINDS = ("worker", "web", "reconciler", "fork server", "database")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.solving")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kill", nargs="*", choices=KINDS, default=KINDS, help="what may be killed (all of these)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


# --- Jobs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """A job that somebody wants to run, and how it has to end."""

    model: bytes
    solver: str
    parameters: dict
    token: dict | None = None
    ends: str = "DONE"


class Wishes:
    """Jobs for one member, made up at random."""

    def __init__(self, group: QpuToken, personal: QpuToken, rng: Random) -> None:
        self.group = {"source": "organization", "name": group.name, "token": None}
        self.own = {"source": "personal", "name": personal.name, "token": None}
        self.personal = personal
        self.rng = rng
        self.inline: list[str] = []

    def next(self) -> Wish:
        kinds: dict[Callable[[], Wish], int] = {self.at_dwave: 5, self.here: 4, self.hostile: 1}
        (kind,) = self.rng.choices(list(kinds), list(kinds.values()))
        return kind()

    def at_dwave(self) -> Wish:
        token = self.rng.choice([self.group, self.own, None]) or self.inline_token()
        return Wish(self.model(12), "QA", {"num_reads": self.rng.randint(1, 100)}, token)

    def inline_token(self) -> dict:
        self.inline.append(portal.new_secret())
        return {"source": "inline", "name": None, "token": self.inline[-1]}

    def here(self) -> Wish:
        solvers = {
            "SA": {"num_reads": 50},
            "TS": {"num_reads": 2, "timeout": 100},
            "PT": {"max_iter": 5, "fixed_temp_sampler_num_sweeps": 100, "fixed_temp_sampler_num_reads": 2},
        }
        solver, parameters = self.rng.choice(list(solvers.items()))
        return Wish(self.model(20), solver, parameters)

    def hostile(self) -> Wish:
        model = bytearray(self.model(12))
        cut_off, changed = model[: self.rng.randrange(1, len(model) // 2)], b"\xff" * 100
        data = bytes(self.rng.choice([cut_off, changed, zstd_bomb(4000)]))
        return Wish(data, "SA", {"num_reads": 10}, ends="FAILED")

    def model(self, most_variables: int) -> bytes:
        """A random quadratic one, unlike any other."""
        model = Model(f"model {self.rng.random()}")
        variables = [model.add_variable(f"x{i}") for i in range(self.rng.randint(2, most_variables))]
        pairs = itertools.combinations(variables, 2)
        model.objective = sum(variables) + sum(self.rng.choice([-2, 1, 2]) * one * other for one, other in pairs)
        return model.serialize()


# --- A program of a member's ------------------------------------------------------------------------------------------


class Program:
    """Sends jobs as the SDK does: what is not answered is sent again."""

    def __init__(self, addresses: list[str], key: str, tally: Tally, rng: Random) -> None:
        self.doors = [urllib3.connection_from_url(address, maxsize=1) for address in addresses]
        rng.shuffle(self.doors)
        self.headers = {"Luna-API-Key": key}
        self.tally = tally

    def ask(self, kind: str, method: str, path: str, **content) -> urllib3.BaseHTTPResponse:
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            began = time.monotonic()
            try:
                answer = self.doors[0].request(
                    method, f"/luna-solve/api/v1{path}", headers=self.headers, timeout=LONGEST, retries=False, **content
                )
            except HTTPError as error:
                self.doors.append(self.doors.pop(0))
                self.tally.note(kind, type(error).__name__)
            else:
                self.tally.note(kind, str(answer.status), time.monotonic() - began)
                if answer.status < 500:
                    return answer
            time.sleep(0.3)
        raise TimeoutError(path)

    def submit(self, wish: Wish) -> str:
        """The id of the job."""
        model = self.ask("upload", "POST", "/models", body=wish.model).json()
        tokens = {"dwave": wish.token, "ibm": None, "qctrl": None, "aws": None}
        job = {"model_id": model["id"], "solver_name": wish.solver, "provider": "dwave", "parameters": wish.parameters}
        answer = self.ask("submit", "POST", "/solve-jobs", json=job | {"qpu_tokens": tokens, "name": None})
        assert answer.status == 201, answer.data
        return answer.json()["id"]

    def wait(self, job_id: str) -> dict:
        """The job when it has ended."""
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            job = self.ask("poll", "GET", f"/solve-jobs/metadata/{job_id}").json()
            if job["status"] in ENDED:
                return job
            time.sleep(0.5)
        raise TimeoutError(job_id)

    def solution(self, job_id: str) -> Solution:
        return Solution.deserialize(self.ask("solution", "GET", f"/solve-jobs/data/{job_id}").data)


@dataclass
class Outcomes:
    """How jobs ended, and what should not have happened."""

    tally: Tally = field(default_factory=Tally)
    ended: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def note(self, wish: Wish, job: dict, solution: Solution | None) -> None:
        self.tally.note("job", f"{wish.solver if wish.ends == 'DONE' else 'hostile'} {job['status']}")
        with self.lock:
            self.ended += 1
            if job["status"] != wish.ends:
                self.wrong.append(f"Job {job['id']}, {wish.solver}, is {job['status']}: {job['error_message']}")
            elif solution is not None and not len(solution.obj_values):
                self.wrong.append(f"Job {job['id']} has an empty solution")


def send_all(wishes: list[Wish], program: Program, outcomes: Outcomes) -> None:
    """Send all jobs at once, then wait for each."""
    jobs = [(wish, program.submit(wish)) for wish in wishes]
    for wish, job_id in jobs:
        job = program.wait(job_id)
        outcomes.note(wish, job, program.solution(job_id) if job["status"] == "DONE" else None)


# --- What is done to the portal ---------------------------------------------------------------------------------------


def kill_now_and_then(running: Portal, outcomes: Outcomes, arguments: argparse.Namespace) -> Counter[str]:
    """Kill something after each of some random numbers of ended jobs, and start it anew at once."""
    rng, killed = Random(arguments.seed), Counter()
    kinds = [kind for kind in KINDS if kind in arguments.kill and victims_of(kind, running)]
    for jobs in sorted(rng.choices(range(arguments.jobs * 9 // 10), k=arguments.kills)):
        portal.until(partial(has_ended, outcomes, jobs), seconds=END_SECONDS, pause=0.01)
        time.sleep(rng.uniform(0, 0.5))
        kind = rng.choice(kinds)
        victim = rng.choice(victims_of(kind, running))
        victim.kill()
        victim.start()
        killed[kind] += 1
    return killed


def victims_of(kind: str, running: Portal) -> list:
    return [victim for victim in running.victims if victim.name.startswith(kind)]


def has_ended(outcomes: Outcomes, jobs: int) -> bool:
    return outcomes.ended >= jobs


class Memory:
    """The most that workers, fork servers and children have ever had in memory: what the kernel says (VmHWM)."""

    def __init__(self, workers: list[portal.Process]) -> None:
        self.workers = workers
        self.most_kb: Counter[str] = Counter()

    @contextmanager
    def watched(self) -> Iterator[None]:
        over = Event()

        def watch() -> None:
            while not over.wait(0.05):
                self.look()

        thread = Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def look(self) -> None:
        for worker in self.workers:
            self.note("worker", worker.running.pid)
            for fork_server in children(worker.running.pid):
                self.note("fork server", fork_server)
                for child in children(fork_server):
                    self.note("child", child)

    def note(self, kind: str, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:  # it has ended
            return
        _, found, rest = status.partition("VmHWM:")
        if found:
            self.most_kb[kind] = max(self.most_kb[kind], int(rest.split()[0]))

    @property
    def is_too_much(self) -> bool:
        return self.most_kb["child"] > self.most_kb["fork server"] + MEMORY_MB * 1024

    def __str__(self) -> str:
        most = ", ".join(f"{kind} {kb / 1024:.0f} MB" for kind, kb in self.most_kb.items())
        return f"Most memory: {most}; a child may have {MEMORY_MB} MB more than its fork server."


def children(pid: int) -> list[int]:
    try:
        return [
            int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
        ]
    except OSError:
        return []


# --- All of it --------------------------------------------------------------------------------------------------------


def main(arguments: argparse.Namespace) -> list[str]:
    """What went wrong."""
    print(
        f"{arguments.jobs} jobs, {arguments.users} users, {arguments.kills} kills, seed {arguments.seed}.", flush=True
    )
    portal.prepare_database()
    crowd = portal.members(arguments.users)
    group = portal.group_token("lab", by=crowd[0][0])
    portal.assign(group, None, QUOTA_NS, by=crowd[0][0])
    wishes = [Wishes(group, portal.personal_token("mine", by=member), Random(member.pk)) for member, _ in crowd]
    outcomes = Outcomes()
    with portal.running(jitter=0.03, pace=1.0, seed=arguments.seed, workers=arguments.workers) as running:
        memory = Memory(running.workers)
        with memory.watched():
            killed = run_all(arguments, running, list(zip(crowd, wishes, strict=True)), outcomes)
        portal.until(lambda: portal.all_ended(running.dwave) and not portal.open_lines(), seconds=END_SECONDS)
        inline = [secret for wish in wishes for secret in wish.inline]
        books = [
            portal.books(group, running.dwave),
            portal.books_of("personal", [wish.personal for wish in wishes], running.dwave),
            portal.inline_books(inline, running.dwave),
        ]
    kills = ", ".join(f"{name} {number} times" for name, number in sorted(killed.items()))
    lines = Counter(Usage.objects.values_list("status", flat=True))
    left = QpuToken.objects.filter(is_inline=True).count()
    print(f"\n{outcomes.tally}\n\n{portal.table_of(books)}\n\nLines: {dict(lines)}.\nKilled: {kills}.\n{memory}")
    print(f"Tokens that came with jobs: {len(inline)}; left: {left}.")
    return [
        *portal.complaints(books, running),
        *outcomes.wrong,
        *([f"{left} tokens that came with jobs are left"] if left else []),
        *(["A child had too much memory"] if memory.is_too_much else []),
    ]


def run_all(arguments: argparse.Namespace, running: Portal, members: list, outcomes: Outcomes) -> Counter[str]:
    """Have all members send their jobs at once, and kill meanwhile. How often what was killed."""
    portal.connection.close()  # it may be cut off meanwhile
    share = arguments.jobs // arguments.users
    with ThreadPoolExecutor(arguments.users + 1) as pool:
        killed = pool.submit(kill_now_and_then, running, outcomes, arguments)
        under_way = [killed]
        for (_, key), wishes in members:
            program = Program(running.addresses, key, outcomes.tally, wishes.rng)
            under_way.append(pool.submit(send_all, [wishes.next() for _ in range(share)], program, outcomes))
        while wait(under_way, timeout=PROGRESS_SECONDS).not_done:
            print(f"{outcomes.ended} jobs ended", flush=True)
    for client in under_way:
        client.result()  # or whatever it has raised
    return killed.result()


if __name__ == "__main__":
    os.environ |= {"SOLVING_MEMORY_MB": str(MEMORY_MB), "SOLVING_PROCESSES": "1"}
    sys.exit(portal.verdict(main(parse_arguments())))
