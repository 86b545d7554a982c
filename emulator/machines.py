"""Where problems run: one machine per solver, with a queue."""

import asyncio
import logging
import math
import random
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from .ledger import Entry, Ledger, nanoseconds
from .problems import Problem, Status
from .runs import Run, prepare
from .settings import Settings
from .solvers import Solver

logger = logging.getLogger(__name__)


class Machine:
    """Runs the problems of one solver in the order in which they came, as many at once as the solver has slots."""

    def __init__(
        self, solver: Solver, *, settings: Settings, ledger: Ledger, threads: Executor, rng: random.Random
    ) -> None:
        self.solver = solver
        self._settings = settings
        self._ledger = ledger
        self._threads = threads
        self._rng = rng
        self._queue: asyncio.Queue[Problem] = asyncio.Queue()
        self._slots = [asyncio.create_task(self._work()) for _ in range(solver.slots)]

    def accept(self, problem: Problem) -> None:
        self._queue.put_nowait(problem)

    @property
    def load(self) -> float:
        """How full the queue is, from 0 to 1."""
        return min(1.0, self._queue.qsize() / 1000)

    def stop(self) -> None:
        for slot in self._slots:
            slot.cancel()

    async def _work(self) -> None:
        while True:
            problem = await self._queue.get()
            await self._wait(problem, partial(self._until_turn, problem))
            if problem.is_open:
                await self._run(problem)

    async def _run(self, problem: Problem) -> None:
        problem.status = Status.IN_PROGRESS
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            run = prepare(problem.job, self._settings, self._rng)
            answer, answer_data = await loop.run_in_executor(self._threads, run.sample)
        except Exception as error:  # whatever a sampler finds wrong with uploaded data
            logger.exception("Problem %s failed", problem.id)
            problem.fail(f"{type(error).__name__}: {error}")
            return
        await self._wait(problem, lambda: began + self._duration(run) - loop.time())
        if problem.is_open:
            self._book(problem, run)
            problem.complete(answer, answer_data)

    def _book(self, problem: Problem, run: Run) -> None:
        charged = nanoseconds(run.charged_us)
        deducted = round(charged / self.solver.properties["quota_conversion_rate"])
        self._ledger.book(
            Entry(problem.id, problem.token, self.solver.name, problem.job.label, charged, deducted),
        )

    def _until_turn(self, problem: Problem) -> float:
        return math.inf if self._settings.paused else self._settings.queue_delay - problem.age

    def _duration(self, run: Run) -> float:
        return self._settings.pace * run.charged_us / 1e6 + self._settings.run_delay

    async def _wait(self, problem: Problem, remaining: Callable[[], float]) -> None:
        """Wait as long as `remaining` says, which changes with the settings, or until the problem is cancelled."""
        while problem.is_open and (seconds := remaining()) > 0:
            await self._settings.sleep(seconds, until=problem.done)
