"""Takes jobs from the queue and runs them: the engine's children do what costs CPU, D-Wave is waited for beside."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from gateway.calls import Gateway
from gateway.wire import Refusal
from monitoring.models import Heartbeat, beat

from . import queue, retention
from .engine.client import Done, Engine
from .engine.errors import Refused
from .models import SolveJob
from .qpu_jobs import Canceled, Chips, solve_at_dwave
from .solvers import find_solver

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.2  # until an idle worker looks for jobs again
RENEW_SECONDS = 1.0  # also how long a running job does not know that it is to be cancelled
SWEEP_SECONDS = 30
NANOSECONDS = 1_000_000_000
DATABASE_AWAY = (OperationalError, InterfaceError)


class Worker:
    """Runs as many jobs at once as there are slots; one that waits for D-Wave needs none."""

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.gateway = Gateway()
        self.engine = Engine(memory_mb=settings.SOLVING_MEMORY_MB, seconds=settings.SOLVING_SECONDS)
        self.slots = asyncio.Semaphore(settings.SOLVING_PROCESSES)
        self.chips = Chips()
        self.runs: dict[int, tuple[Run, asyncio.Task[None]]] = {}

    async def work(self) -> None:
        """Work until cancelled; then leave the jobs under way to others."""
        async with self.gateway.running(), self.engine:
            try:
                await asyncio.gather(self.take_jobs(), self.renew_leases(), self.sweep())
            finally:
                await self.stop()

    async def stop(self) -> None:
        tasks = [task for _, task in self.runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.in_database(queue.let_fall, self.id, timezone.now())

    async def in_database(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.gateway.in_database(function, *args, **kwargs)

    async def take_jobs(self) -> None:
        while True:
            await self.slots.acquire()
            job = await self.carefully(queue.take, self.id, timezone.now())
            if job is None:
                self.slots.release()
                await asyncio.sleep(IDLE_SECONDS)
            else:
                self.start(job)

    def start(self, job: SolveJob) -> None:
        run = Run(self, job)
        task = asyncio.create_task(run.to_the_end())
        self.runs[job.pk] = run, task
        task.add_done_callback(lambda _: self.forget(job.pk))

    def forget(self, job_id: int) -> None:
        del self.runs[job_id]
        self.slots.release()

    async def renew_leases(self) -> None:
        """Hold on to the jobs that run here, and hear which are to be cancelled, or are no longer ours."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not self.runs:
                continue
            known = dict(self.runs)
            held = await self.carefully(queue.renew, self.id, list(known), timezone.now())
            if held is None:
                continue
            for job_id, (run, task) in known.items():
                if job_id not in held:
                    task.cancel()
                elif held[job_id]:
                    run.canceled.set()

    async def sweep(self) -> None:
        while True:
            await self.carefully(queue.sweep, timezone.now())
            await self.carefully(retention.forget_old, timezone.now())
            await self.carefully(beat, Heartbeat.Process.SOLVER, timezone.now())
            await asyncio.sleep(SWEEP_SECONDS)

    async def carefully(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """A look into the database that is repeated anyway: an error costs this one, not the worker."""
        try:
            return await self.in_database(function, *args, **kwargs)
        except Exception:
            log.exception("solving_database_failed", function=function.__name__)
            await asyncio.sleep(RENEW_SECONDS)
            return None


class Run:
    """One job in the hands of this worker."""

    def __init__(self, worker: Worker, job: SolveJob) -> None:
        self.worker = worker
        self.job = job
        self.canceled = asyncio.Event()
        if job.cancel_requested_at is not None:
            self.canceled.set()

    @property
    def problem_type(self) -> str:
        """SAPI's word for the problem that the job becomes at D-Wave; empty if it is solved here."""
        return find_solver(self.job.provider, self.job.solver).problem_type

    async def to_the_end(self) -> None:
        try:
            status, outcome = await self.outcome()
            finished = await self.in_database(queue.finish, self.job, status, timezone.now(), **outcome)
        except DATABASE_AWAY as error:  # whoever is there when the lease has ended goes on with the job
            log.warning("solve_job_let_fall", job_id=self.job.pk, error=type(error).__name__)
            return
        if finished:
            log.info("solve_job_ended", job_id=self.job.pk, solver=self.job.solver, status=str(status))

    async def outcome(self) -> tuple[SolveJob.Status, dict[str, Any]]:
        """How the job ends, whatever happens to it; raises only what DATABASE_AWAY names."""
        try:
            return SolveJob.Status.DONE, await self.solve()
        except Canceled:
            return SolveJob.Status.CANCELED, {}
        except (Refused, PermissionDenied) as error:
            message = str(error)
        except Refusal as refusal:
            message = refusal.message
        except ValidationError as error:
            message = " ".join(error.messages)
        except DATABASE_AWAY:
            raise
        except queue.LeaseLost:
            message = "The job was taken from its worker."
        except Exception:
            log.exception("solve_job_failed", job_id=self.job.pk)
            message = "Something went wrong in the portal. Tell your operator the number of this job."
        return SolveJob.Status.FAILED, {"error_message": message}

    async def solve(self) -> dict[str, Any]:
        model = await self.in_database(queue.model_of, self.job)
        if model is None:
            raise Refused("The model was deleted before the job could run.")
        if not self.problem_type:
            await self.tell("Solving.")
            args = {"solver": self.job.solver, "parameters": self.job.parameters, "timing": self.job.with_timing}
            return solved(await self.until_canceled(self.do("sample", model, **args)))
        return solved(await solve_at_dwave(self, model))

    async def do(self, task: str, model: bytes, **args: Any) -> Done:
        """Have the engine do something with the model, and remember what that tells of it."""
        done = await self.worker.engine.do(task, model, **args)
        await self.in_database(queue.remember_facts, self.job, done.words["facts"])
        return done

    async def until_canceled(self, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of a coroutine, unless somebody cancels the job before it is there."""
        task, canceled = asyncio.create_task(work), asyncio.create_task(self.canceled.wait())
        try:
            await asyncio.wait({task, canceled}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Canceled
        finally:
            canceled.cancel()
            task.cancel()
            with suppress(BaseException):
                await task

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Leave the slot to another job meanwhile."""
        self.worker.slots.release()
        try:
            yield
        finally:
            await self.worker.slots.acquire()

    async def tell(self, stage: str) -> None:
        await self.in_database(queue.tell, self.job, stage)

    async def in_database(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.worker.in_database(function, *args, **kwargs)


def solved(done: Done) -> dict[str, Any]:
    """The columns of a job that is solved."""
    seconds = done.words["seconds"]
    return {
        "result": done.blob,
        "result_size": len(done.blob),
        "summary": done.words["summary"],
        "runtime_ns": None if seconds is None else round(seconds * NANOSECONDS),
    }
