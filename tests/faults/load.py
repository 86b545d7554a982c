"""Programs and people at one portal, all the time, until they are told to stop."""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event

import urllib3
from luna_model import Model
from urllib3.exceptions import HTTPError

from .portal import Membership, QpuToken, fresh
from .programs import LONGEST, Program, Tally, job

PAUSE = 0.2
ACTS = 5


class Visitor:
    """Somebody who asks the portal for things, each once: what fails is counted, and not repeated."""

    def __init__(self, address: str, key: str, token: QpuToken, tally: Tally, rng: random.Random) -> None:
        self.pool = urllib3.connection_from_url(address, maxsize=ACTS)
        self.headers = {"Luna-API-Key": key}
        self.tally, self.rng = tally, rng
        self.token = {"source": "organization", "name": token.name, "token": None}
        self.solvers = itertools.cycle(["SA", "QA"])

    def ask(self, kind: str, method: str, path: str, **content) -> urllib3.BaseHTTPResponse | None:
        """The answer, if it is a good one."""
        began = time.monotonic()
        try:
            answer = self.pool.request(
                method, path, headers=self.headers, timeout=LONGEST, retries=False, redirect=False, **content
            )
        except HTTPError as error:
            self.tally.note(kind, type(error).__name__)
            return None
        self.tally.note(kind, str(answer.status), time.monotonic() - began)
        return answer if answer.status < 400 else None

    def look(self) -> None:
        """Pages and their style sheets."""
        self.ask("page", "GET", "/accounts/login/")
        self.ask("static", "GET", "/static/css/portal.css")

    def read(self) -> None:
        self.ask("api read", "GET", "/luna-solve/api/v1/users/me")
        self.ask("api read", "GET", "/luna-solve/api/v1/qpu-tokens")

    def write(self) -> None:
        """A personal token comes and goes."""
        token = {"name": fresh("own"), "provider": "dwave", "token": "DEV-only-for-tests"}
        if self.ask("api write", "POST", "/luna-solve/api/v1/qpu-tokens/private", json=token):
            self.ask("api write", "DELETE", f"/luna-solve/api/v1/qpu-tokens/private/{token['name']}")

    def solve(self) -> None:
        """A solve job, here or at D-Wave, waited for."""
        model = Model(f"model {self.rng.random()}")
        model.objective = sum(model.add_variable(f"x{i}") for i in range(10))
        uploaded = self.ask("solve", "POST", "/luna-solve/api/v1/models", body=model.serialize())
        if not uploaded:
            return
        job = {"model_id": uploaded.json()["id"], "solver_name": next(self.solvers), "provider": "dwave"}
        tokens = {"dwave": self.token, "ibm": None, "qctrl": None, "aws": None}
        body = job | {"parameters": {"num_reads": 10}, "qpu_tokens": tokens}
        submitted = self.ask("solve", "POST", "/luna-solve/api/v1/solve-jobs", json=body)
        deadline = time.monotonic() + 180
        while submitted and time.monotonic() < deadline:
            answer = self.ask("solve", "GET", f"/luna-solve/api/v1/solve-jobs/metadata/{submitted.json()['id']}")
            if answer and answer.json()["status"] in {"DONE", "FAILED"}:
                self.tally.note("solved", answer.json()["status"])
                return
            time.sleep(PAUSE)


@contextmanager
def load(address: str, members: list[tuple[Membership, str]], token: QpuToken) -> Iterator[Tally]:
    """Everybody at work as long as the block lasts, and until each has ended what it has begun."""
    tally, over = Tally(), Event()
    with ThreadPoolExecutor(len(members) * ACTS) as pool:
        acts = [act for number, (_, key) in enumerate(members) for act in acts_of(address, key, token, tally, number)]
        under_way = [pool.submit(again_and_again, act, over) for act in acts]
        try:
            yield tally
        finally:
            over.set()
    for each in under_way:
        each.result()  # or what it has raised


def acts_of(address: str, key: str, token: QpuToken, tally: Tally, seed: int) -> list[Callable[[], object]]:
    """What one member does, all at the same time."""
    rng = random.Random(seed)
    visitor = Visitor(address, key, token, tally, rng)
    program = Program([address], token.name, key, tally, rng)
    return [visitor.look, visitor.read, visitor.write, visitor.solve, partial(run_at_dwave, program, rng)]


def again_and_again(act: Callable[[], object], over: Event) -> None:
    while not over.wait(PAUSE):
        act()


def run_at_dwave(program: Program, rng: random.Random) -> None:
    program.wait(program.submit([job(rng, most_reads=50) for _ in range(rng.randint(1, 3))]), patience=60)
