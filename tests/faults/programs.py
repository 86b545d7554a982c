"""Programs that speak SAPI to a portal, and a tally of how they were answered."""

import time
from collections import Counter, defaultdict
from http import HTTPStatus
from random import Random
from threading import Lock
from typing import Any

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from emulator.codec import encode_problem
from emulator.solvers import Solver, catalogue
from emulator.timing import access_time

from .portal import TERMINAL

LONGEST = 60.0  # seconds that a request may take, as in Ocean
QPUS = [solver for solver in catalogue().values() if solver.graph_id]


class Tally:
    """How requests and problems went, which were taken, and how long the slowest took; counted by many threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.slowest: dict[str, float] = defaultdict(float)
        self.acknowledged: set[str] = set()

    def note(self, kind: str, outcome: str, seconds: float = 0.0) -> None:
        with self.lock:
            self.counts[kind][outcome] += 1
            self.slowest[kind] = max(self.slowest[kind], seconds)

    def outcomes(self, *kinds: str) -> set[str]:
        return {outcome for kind in kinds for outcome in self.counts[kind]}

    def __str__(self) -> str:
        lines = [f"{'kind':<10}{'number':>6}{'slowest':>10}   outcomes"]
        for kind, counts in sorted(self.counts.items()):
            outcomes = ", ".join(f"{outcome}: {number}" for outcome, number in counts.most_common())
            slowest = f"{self.slowest[kind]:.2f} s" if self.slowest[kind] else ""
            lines.append(f"{kind:<10}{counts.total():>6}{slowest:>10}   {outcomes}")
        return "\n".join(lines)


REQUESTS = ("submit", "poll", "answer", "cancel")


class Program:
    """Speaks SAPI at one token of the portal, through whichever of its gateways listens."""

    def __init__(self, addresses: list[str], token_name: str, key: str, tally: Tally, rng: Random) -> None:
        self.gateways = [urllib3.connection_from_url(address, maxsize=1) for address in addresses]
        rng.shuffle(self.gateways)
        self.path = f"/dwave/shared/{token_name}/sapi/v2/"
        self.headers = {"X-Auth-Token": key}
        self.tally = tally

    def ask(
        self, kind: str, method: str, path: str, *, body: Any = None, seconds: float = LONGEST
    ) -> BaseHTTPResponse | None:
        """What the portal answers; None where it does not, or not within so many seconds."""
        while True:
            began = time.monotonic()
            try:
                answer = self.gateways[0].request(
                    method, self.path + path, headers=self.headers, json=body, timeout=seconds, retries=False
                )
            except NewConnectionError:
                self.gateways.append(self.gateways.pop(0))
                self.tally.note(kind, "asked the other gateway")
                time.sleep(0.1)
                continue
            except ReadTimeoutError:
                self.tally.note(kind, "no answer in time" if seconds == LONGEST else "hung up")
                return None
            except HTTPError:
                self.tally.note(kind, "connection lost")
                return None
            self.tally.note(kind, str(answer.status), time.monotonic() - began)
            return answer

    def submit(self, jobs: list[dict[str, Any]], *, seconds: float = LONGEST) -> list[str]:
        """The ids of the problems that are taken."""
        answer = self.ask("submit", "POST", "problems/", body=jobs, seconds=seconds)
        said = answer.json() if answer else {"error_code": "no answer"}
        items = said if isinstance(said, list) else [said] * len(jobs)
        for item in items:
            self.tally.note("problem", "taken" if "id" in item else f"not taken, {item['error_code']}")
        ids = [item["id"] for item in items if "id" in item]
        with self.tally.lock:
            self.tally.acknowledged.update(ids)
        return ids

    def wait(self, ids: list[str], *, patience: float) -> bool:
        """Poll until all have ended, and fetch the answers of those that have one."""
        deadline, completed, waited_for = time.monotonic() + patience, [], set(ids)
        while waited_for and time.monotonic() < deadline:
            answer = self.ask("poll", "GET", f"problems/?id={','.join(sorted(waited_for))}&timeout=5")
            if answer and answer.status == HTTPStatus.NOT_FOUND:
                return False
            ended = [said for said in answer.json() if said["status"] in TERMINAL] if answer and is_ok(answer) else []
            completed += [said["id"] for said in ended if said["status"] == "COMPLETED"]
            waited_for -= {said["id"] for said in ended}
            time.sleep(0 if ended else 0.2)
        for problem_id in completed:
            self.ask("answer", "GET", f"problems/{problem_id}/answer/")
        return not waited_for

    def cancel(self, ids: list[str]) -> None:
        self.ask("cancel", "DELETE", "problems/", body=ids)


def is_ok(answer: BaseHTTPResponse) -> bool:
    return answer.status == HTTPStatus.OK


def job(rng: Random, *, most_reads: int) -> dict[str, Any]:
    """One qubit of either QPU that wants to be down, and so many reads at most."""
    qpu = rng.choice(QPUS)
    data = encode_problem(qpu.graph, {int(qpu.graph.qubits[0]): 1.0}, {})
    params = {"num_reads": rng.randint(1, most_reads)}
    return {"solver": qpu.identity, "type": "ising", "params": params, "data": data, "label": "crowd"}


def expected_ns(job: dict[str, Any]) -> int:
    """What a job costs by the QPU's own timing model, without jitter."""
    qpu = solver_of(job)
    return round(access_time(qpu.properties["problem_timing_data"], 1, job["params"]).total * 1000)


def solver_of(job: dict[str, Any]) -> Solver:
    return next(qpu for qpu in QPUS if qpu.name == job["solver"]["name"])
