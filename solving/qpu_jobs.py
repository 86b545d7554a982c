"""Jobs at D-Wave: prepared by the engine, sent and booked by the gateway's services, followed until they end."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from starlette.requests import Request

from gateway import services as gateway
from gateway.calls import Call
from gateway.estimate import conversion_rate
from gateway.models import Problem
from gateway.solvers import FRESH_SECONDS
from gateway.submit import Booked, Estimated, send
from gateway.upstream import Answer, Lost, NotSent
from gateway.wire import RETRY_SECONDS, Refusal, unavailable
from quotas.models import Usage

from . import queue
from .engine.client import Done
from .engine.errors import Refused
from .preparation import prepared, solution
from .qpus import cost

if TYPE_CHECKING:
    from .worker import Run

POLL_SECONDS = 30  # that D-Wave holds a question at most
CANCEL_SECONDS = 60  # that a cancelled job waits for D-Wave to say how its problem has ended
NO_REQUEST = {"type": "http", "headers": [(b"user-agent", b"luna-portal")]}


class Canceled(Exception):
    """Somebody does not want the job any more."""


# --- Solvers ----------------------------------------------------------------------------------------------------------


class Chips:
    """Solvers in full, by endpoint and name; a cache of this worker. They are large, and for all tokens alike."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}

    async def find(self, call: Call, name: str) -> dict[str, Any]:
        """What D-Wave tells of a solver."""
        key = call.upstream.endpoint, name
        asked_at, words = self.known.get(key, (0.0, {}))
        if not words or time.monotonic() - asked_at > FRESH_SECONDS:
            words = understood(
                await call.upstream.read(f"solvers/remote/{name}", headers=call.headers("solver-definition"))
            )
            self.known[key] = time.monotonic(), words
        return words


def understood(reply: Answer) -> dict[str, Any]:
    """The JSON object of an answer."""
    if not reply.ok:
        raise Refused("D-Wave does not know this any more, or not with this token.")
    try:
        words = reply.json()
    except Lost:
        raise unavailable() from None
    if not isinstance(words, dict):
        raise unavailable()
    return words


# --- From the model to the solution -----------------------------------------------------------------------------------


async def solve_at_dwave(run: "Run", model: bytes) -> Done:
    """Send the job's problem, unless a former worker has done so, and translate its answer."""
    door = await run.in_database(queue.door_of_job, run.job)
    if door is None:
        raise Refused("The token of this job was deleted.")
    call = Call(run.worker.gateway, Request(NO_REQUEST), door)
    problem = await run.in_database(queue.problem_of, run.job)
    if problem is None:
        problem = await submitted(run, call, model)
    async with run.waiting():
        answer = await answered(run, call, problem)
    return await solution(run, model, answer)


async def submitted(run: "Run", call: Call, model: bytes) -> Problem:
    """Prepare the problem, book what it may cost now that this is known, and send it."""
    job, solver, chains = await prepared(run, call, model)
    estimate, rate = cost(job, solver), conversion_rate(job, solver.properties)
    problem = await run.in_database(
        queue.book_problem, run.job, call.door, Estimated(job, estimate, rate), chains, timezone.now()
    )
    item = Booked(job, problem)
    # Whatever becomes of this worker: what is booked must be sent, and what is said recorded.
    await run.worker.gateway.to_the_end(send(call, [item]))
    if isinstance(item.outcome, Refusal) and await run.in_database(queue.is_given_back, problem):
        raise item.outcome
    return problem


# --- Waiting ----------------------------------------------------------------------------------------------------------


async def answered(run: "Run", call: Call, problem: Problem) -> dict[str, Any]:
    """D-Wave's answer to a problem, as soon as there is one; Refused, or Canceled, if there will be none."""
    await run.tell("Waiting for D-Wave.")
    while True:
        try:
            said = await run.until_canceled(news_of(run, call, problem))
        except Canceled:
            await cancel_upstream(run, call, problem)
            raise
        if said is not None:
            return answer_in(said)


async def news_of(run: "Run", call: Call, problem: Problem) -> dict[str, Any] | None:
    """D-Wave's words about a problem that has ended, once they are booked; None if it has not yet."""
    known = await run.in_database(queue.problem_of, run.job)
    if known is None:
        raise queue.LeaseLost
    if not known.upstream_id:
        # The answer to the submission was lost. The reconciler finds out what has become of the problem.
        if known.usage.status == Usage.Status.RELEASED:
            raise Refused("D-Wave did not get the problem. Run the job again.")
        await asyncio.sleep(RETRY_SECONDS)
        return None
    try:
        return await ended(run, call, known)
    except Refusal as refusal:
        if refusal.status < 500:
            raise
        await asyncio.sleep(RETRY_SECONDS)
        return None


async def ended(run: "Run", call: Call, problem: Problem) -> dict[str, Any] | None:
    upstream = await call.upstream_of(problem)
    reply = await upstream.read(
        f"problems/{problem.upstream_id}/", params={"timeout": str(POLL_SECONDS)}, headers=call.headers("problem")
    )
    said = understood(reply)
    if said.get("id") != problem.upstream_id:
        raise unavailable()
    await run.in_database(gateway.record, problem, said, timezone.now())
    return said if said.get("status") in gateway.TERMINAL else None


def answer_in(said: dict[str, Any]) -> dict[str, Any]:
    match said.get("status"):
        case "COMPLETED" if isinstance(said.get("answer"), dict):
            answer: dict[str, Any] = said["answer"]
            return answer
        case "CANCELLED":
            raise Refused("The problem was cancelled at D-Wave.")
    message = said.get("error_message")
    raise Refused(f"D-Wave could not solve the problem{f': {message[:500]}' if isinstance(message, str) else '.'}")


async def cancel_upstream(run: "Run", call: Call, problem: Problem) -> None:
    """Cancel a problem, and stay until D-Wave has said what it cost; longer than that is the reconciler's business."""
    await run.tell("Cancelling at D-Wave.")
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            known = await run.in_database(queue.problem_of, run.job)
            if known is not None and known.upstream_id:
                upstream = await call.upstream_of(known)
                await upstream.request("DELETE", f"problems/{known.upstream_id}", headers=call.headers("problem"))
            while await news_of(run, call, problem) is None:
                pass
    except (TimeoutError, Refusal, Refused, NotSent, Lost):
        return
