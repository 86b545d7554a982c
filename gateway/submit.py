"""POST problems/: book every problem by itself, send on what fits, record what D-Wave says of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from . import services
from .calls import Call
from .estimate import estimate_ns
from .jobs import InvalidJob, Job
from .marker import marked
from .models import Problem
from .present import presented
from .upstream import Answer, Lost, NotSent, token_refused
from .wire import Refusal, answer, parse, read_body, unavailable

MAX_BATCH = 1000


@dataclass
class Booked:
    """A problem that is booked and sent; `outcome` is what D-Wave says of it, or a refusal."""

    job: Job
    problem: Problem
    outcome: dict[str, Any] | Refusal | None = None

    def as_sent(self) -> dict[str, Any]:
        return {**self.job.body, "label": marked(self.job.label, self.problem.pk)}


async def submit(call: Call) -> Response:
    body = parse(await read_body(call.request))
    bodies = body if isinstance(body, list) else [body]
    if not 0 < len(bodies) <= MAX_BATCH:
        raise Refusal(400, f"Send 1 to {MAX_BATCH} problems at once.")
    # Whatever happens to the client from here on: what is booked must be sent, and what is said recorded.
    outcomes = await asyncio.shield(asyncio.create_task(process(call, bodies)))
    if isinstance(body, list):
        return answer("problems", [as_item(outcome, call) for outcome in outcomes])
    if isinstance(outcomes[0], Refusal):
        raise outcomes[0]
    return answer("problems", as_item(outcomes[0], call))  # the kind stays the one of lists


def as_item(outcome: Booked | Refusal, call: Call) -> dict[str, Any]:
    if isinstance(outcome, Booked):
        words = outcome.outcome
        return presented(words, outcome.problem, call) if isinstance(words, dict) else unclear().as_item()
    return outcome.as_item()


async def process(call: Call, bodies: list[Any]) -> list[Booked | Refusal]:
    """Each problem's outcome, in the order in which they were sent."""
    solvers = await call.gateway.solvers.known(call.upstream, call.door.token.pk)
    items = [await book(call, body, solvers) for body in bodies]
    if booked := [item for item in items if isinstance(item, Booked)]:
        await send(call, booked)
    return [item.outcome if isinstance(item, Booked) and isinstance(item.outcome, Refusal) else item for item in items]


async def book(call: Call, body: Any, solvers: Mapping[str, dict[str, Any]]) -> Booked | Refusal:
    try:
        job = Job.parse(body)
        if job.upload_id and not await call.in_database(services.owns_upload, call.door, job.upload_id):
            return Refusal(400, "The problem refers to data that you have not uploaded.")
        if job.solver not in solvers:
            return Refusal(404, "Solver does not exist or apitoken does not have access")
        properties = solvers[job.solver]
        estimate = estimate_ns(job, properties, margin_percent=call.gateway.margin_percent)
    except InvalidJob as error:
        return Refusal(400, str(error))
    rate = properties.get("quota_conversion_rate", 1)
    booked = await call.in_database(services.book, call.door, job, estimate, rate, call.now)
    return booked if isinstance(booked, Refusal) else Booked(job, booked)


async def send(call: Call, items: list[Booked]) -> None:
    """Send booked problems in one go, and record the outcome of each."""
    body = orjson.dumps([item.as_sent() for item in items])
    headers = call.headers("problems") | {"Content-Type": "application/json"}
    try:
        reply = await call.upstream.request("POST", "problems/", body=body, headers=headers)
    except NotSent:
        await refuse(call, items, unavailable())
    except Lost:
        keep(items)
    else:
        await take(call, items, reply)


async def take(call: Call, items: list[Booked], reply: Answer) -> None:
    """Make sense of D-Wave's answer to a submission."""
    if reply.status in {401, 403}:
        await refuse(call, items, token_refused())
    elif 400 <= reply.status < 500:
        await refuse(call, items, refusal_in(reply))
    elif not reply.ok or not fits(said := parsed(reply), items):
        keep(items)
    else:
        for item, words in zip(items, said, strict=True):
            await take_one(call, item, words)


async def take_one(call: Call, item: Booked, words: dict[str, Any]) -> None:
    item.outcome = words
    try:
        if "error_code" in words:
            item.outcome = Refusal(status_in(words), message_in(words))
            await call.in_database(services.release, [item.problem], call.now)
        else:
            await call.in_database(services.record, item.problem, words, call.now)
    except Refusal as refusal:
        item.outcome = refusal


async def refuse(call: Call, items: list[Booked], refusal: Refusal) -> None:
    """Nothing of this submission has reached a QPU: give all of it back."""
    await call.in_database(services.release, [item.problem for item in items], call.now)
    for item in items:
        item.outcome = refusal


def keep(items: list[Booked]) -> None:
    """Nobody knows what became of this submission: its reservations stay until the reconciler has found out."""
    for item in items:
        item.outcome = unclear()


def unclear() -> Refusal:
    return Refusal(502, "D-Wave did not answer clearly: the problem may run or not. Look at your problems in a while.")


def parsed(reply: Answer) -> Any:
    try:
        return reply.json()
    except Lost:
        return None


def fits(said: Any, items: list[Booked]) -> bool:
    """Whether the answer has, for each problem, an id with a status or an error."""
    return (
        isinstance(said, list)
        and len(said) == len(items)
        and all(isinstance(words, dict) and ("error_code" in words or is_accepted(words)) for words in said)
    )


def is_accepted(words: dict[str, Any]) -> bool:
    return all(isinstance(words.get(name), str) and words[name] for name in ("id", "status"))


def refusal_in(reply: Answer) -> Refusal:
    words = parsed(reply)
    return Refusal(reply.status, message_in(words if isinstance(words, dict) else {}))


def status_in(words: dict[str, Any]) -> int:
    code = words.get("error_code")
    return code if isinstance(code, int) and 400 <= code < 600 else 400


def message_in(words: dict[str, Any]) -> str:
    """D-Wave's own words about a problem; only as long as an error is, in case it sends a page."""
    message = words.get("error_msg")
    return message[:500] if isinstance(message, str) and message else "D-Wave did not accept the problem."
