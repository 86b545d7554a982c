"""The emulated service as a whole: what it offers, who may use it, and what it has in hand."""

import asyncio
import random
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

from .errors import SapiError
from .faults import Faults
from .jobs import Job, read_job
from .ledger import Ledger
from .machines import Machine
from .problems import Problem, Problems, wait_for_any
from .settings import Settings
from .solvers import Solver
from .uploads import Uploads


class Service:
    """One emulated D-Wave. It belongs to one event loop; only sampling leaves it, for `threads`."""

    def __init__(
        self,
        *,
        tokens: Iterable[str],
        solvers: dict[str, Solver],
        threads: Executor,
        settings: dict[str, Any],
        seed: int | None,
    ) -> None:
        self._first_tokens = frozenset(tokens)
        self._first_settings = settings
        self._seed = seed
        self._threads = threads
        self.solvers = solvers
        self.machines: dict[str, Machine] = {}
        self.problems = Problems()
        self.reset()

    def reset(self) -> None:
        """Begin anew: no problems, no uploads, an empty ledger, no faults, and the settings and tokens of the start."""
        self.close()
        rng = random.Random(self._seed)  # noqa: S311  of sampling alone, so that faults do not change samples
        self.tokens = set(self._first_tokens)
        self.revoked: set[str] = set()
        self.settings = Settings(**self._first_settings)
        self.faults = Faults(random.Random(self._seed))  # noqa: S311
        self.problems = Problems()
        self.uploads = Uploads()
        self.ledger = Ledger()
        self.machines = {
            name: Machine(solver, settings=self.settings, ledger=self.ledger, threads=self._threads, rng=rng)
            for name, solver in self.solvers.items()
        }

    def accepts(self, token: str) -> bool:
        return token in self.tokens or (self.settings.any_token and bool(token) and token not in self.revoked)

    def close(self) -> None:
        """Stop all work; who waits for a problem is answered."""
        for machine in self.machines.values():
            machine.stop()
        for problem in self.problems.everything():
            problem.fail("The emulator was reset")

    def submit(self, raw: object, token: str) -> Problem:
        """Accept one problem and queue it; SapiError where D-Wave would refuse it."""
        fault = self.faults.take("item", token)
        if fault and fault.kind == "refuse":
            raise SapiError(fault.status, fault.message)
        job = read_job(raw, self.solvers, lambda upload_id: self.uploads.data(upload_id, token))
        self._check_capacity(job, token)
        problem = Problem(job, token)
        self.problems.add(problem)
        if fault:
            problem.fail(fault.message)
        else:
            self.machines[job.solver.name].accept(problem)
        return problem

    def _check_capacity(self, job: Job, token: str) -> None:
        if job.solver.name in self.settings.offline:
            raise SapiError(400, "Solver is offline")
        if self.problems.count_open(token) >= self.settings.max_open:
            raise SapiError(429, f"There are {self.settings.max_open} problems in the queue already")

    async def settle(self, problems: list[Problem]) -> None:
        """Wait as long as a submit waits for the answers to its problems."""
        deadline = asyncio.get_running_loop().time() + self.settings.submit_wait
        while waiting := [problem for problem in problems if problem.is_open]:
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                return
            await wait_for_any(waiting, remaining)
