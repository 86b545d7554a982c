"""What models become for D-Wave, and answers for members: one way for QPUs, another for hybrid solvers."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.calls import Call
from gateway.estimate import is_number
from gateway.jobs import Job
from gateway.services import as_dict
from gateway.solvers import Solver
from gateway.uploads import upload
from gateway.wire import RETRY_SECONDS, Refusal

from . import queue
from .engine.client import Done
from .hybrid import Size, time_limit
from .qpus import QPU_TYPE, job_of, parameters_for_dwave

if TYPE_CHECKING:
    from .worker import Run

T = TypeVar("T")

CHIP = ("qubits", "couplers", "topology", "num_qubits")  # what embedding looks at
TRIES = 5


async def prepared(run: "Run", call: Call, model: bytes) -> tuple[Job, Solver, dict[str, list[int]]]:
    """The problem to be sent, its solver, and the chains of qubits for the variables, if there are any."""
    words = await patiently(lambda: run.worker.chips.find(call, run.job.qpu))
    solver = Solver.read(words)
    if run.problem_type != QPU_TYPE:
        return await uploaded(run, call, model, solver), solver, {}
    await run.tell("Embedding.")
    chip = {name: words["properties"][name] for name in CHIP}
    embedded = (await run.until_canceled(run.do("embed", model, chip=chip, parameters=run.job.parameters))).words
    params = parameters_for_dwave(run.job.parameters)
    if "initial_state" in embedded:
        params["initial_state"] = embedded["initial_state"]
    return job_of(solver, QPU_TYPE, params, embedded["data"]), solver, embedded["chains"]


async def uploaded(run: "Run", call: Call, model: bytes, solver: Solver) -> Job:
    """The problem on data that D-Wave has, then."""
    await run.tell("Translating the model.")
    kind, parameters = run.problem_type, run.job.parameters
    done = await run.until_canceled(run.do("formulate", model, kind=kind, parameters=parameters))
    seconds = time_limit(solver.properties, parameters.get("time_limit"), Size(**done.words["size"]))
    await run.tell("Sending the model to D-Wave.")
    upload_id = await run.until_canceled(patiently(lambda: upload(call, done.blob)))
    return job_of(solver, kind, {"time_limit": seconds}, {"format": "ref", "data": upload_id})


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """What D-Wave says, asked again where it cannot be reached: nothing has happened yet that would not bear it."""
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except Refusal as refusal:
            if refusal.status != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        await asyncio.sleep(RETRY_SECONDS)
    return await ask()


async def solution(run: "Run", model: bytes, answer: dict[str, Any]) -> Done:
    """D-Wave's answer in the terms of the model."""
    await run.tell("Translating the answer.")
    if run.problem_type == QPU_TYPE:
        task, seconds = "unembed", seconds_in(answer.get("timing"), "qpu_access_time")
        how: dict[str, Any] = {"chains": await run.in_database(queue.chains_of, run.job)}
    else:
        task, seconds = "interpret", seconds_in(as_dict(answer.get("data")).get("info"), "run_time")
        how = {"kind": run.problem_type}
    return await run.until_canceled(
        run.do(task, model, answer=answer, seconds=seconds, timing=run.job.with_timing, **how)
    )


def seconds_in(timing: Any, name: str) -> float | None:
    """How long the solver took; None if D-Wave does not say, which is no reason to withhold what it has found."""
    microseconds = as_dict(timing).get(name)
    return microseconds / 1_000_000 if is_number(microseconds) else None
