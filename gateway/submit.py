"""POST problems/: book every problem by itself, send on what fits, record what D-Wave says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import structlog
from django.db import Error as DatabaseError
from django.utils import timezone
from starlette.responses import Response

from . import services
from .calls import Call
from .estimate import conversion_rate, estimate_ns
from .jobs import InvalidJob, Job
from .marker import marked, usage_id_in
from .models import Problem
from .present import presented
from .services import Door
from .solvers import NO_SOLVER
from .upstream import Answer, Lost, NotSent, token_refused
from .wire import Refusal, answer, in_parts, is_plain, unavailable

log = structlog.get_logger(__name__)

MAX_BATCH = 1000
# What is booked for longer is not sent any more, so that the reconciler never takes for lost what is under way.
SEND_WITHIN = timedelta(minutes=1)


@dataclass
class Estimated:
    job: Job
    needed_ns: int
    conversion_rate: float


@dataclass
class Booked:
    """A problem that is booked and sent; `outcome` is what D-Wave says of it, or a refusal."""

    job: Job
    problem: Problem
    outcome: dict[str, Any] | Refusal | None = None

    def as_sent(self) -> dict[str, Any]:
        """The problem as D-Wave gets it: what was estimated and booked, and nothing else that came with it."""
        job = self.job
        label = marked(job.label, self.problem.pk)
        return {"type": job.type, "solver": job.identity, "params": job.params, "data": job.data, "label": label}


async def submit(call: Call) -> Response:
    body = await call.read_json()
    bodies = body if isinstance(body, list) else [body]
    if not 0 < len(bodies) <= MAX_BATCH:
        raise Refusal(400, f"Send 1 to {MAX_BATCH} problems at once.")
    # Whatever happens to the client from here on: what is booked must be sent, and what is said recorded.
    outcomes = await call.gateway.to_the_end(process(call, bodies))
    items = [as_item(outcome, call) for outcome in outcomes]
    return answer("problems", items if isinstance(body, list) else items[0], headers=await time_left(call, outcomes))


async def time_left(call: Call, outcomes: list[Booked | Refusal]) -> dict[str, str]:
    """A header for programs that want to know; no reason to lose the ids of problems that are accepted."""
    last = outcomes[-1]
    try:
        if isinstance(last, Booked) and all(map(is_under_way, outcomes)):
            left_ns = last.problem.usage.left_ns  # nothing was given back since
        else:
            left_ns = await call.in_database(services.time_left_ns, call.door, timezone.now())
    except DatabaseError:
        return {}
    return {} if left_ns is None else {"X-Portal-Time-Left-Ns": str(left_ns)}


def is_under_way(item: Booked | Refusal) -> bool:
    return isinstance(item, Booked) and isinstance(item.outcome, dict) and "answer" not in item.outcome


def as_item(item: Booked | Refusal, call: Call) -> dict[str, Any]:
    outcome = item.outcome if isinstance(item, Booked) else item
    if isinstance(item, Booked) and isinstance(outcome, dict):
        return presented(outcome, item.problem, call)
    return outcome.as_item() if isinstance(outcome, Refusal) else unclear().as_item()


async def process(call: Call, bodies: list[Any]) -> list[Booked | Refusal]:
    """Each problem's outcome, in the order in which they were sent; a Refusal if D-Wave refuses all of them as one."""
    with call.body:  # which is held also when the request is gone
        estimated = [await estimate(call, body) for body in bodies]
        items = [item for part in in_parts(estimated) for item in await call.in_database(book, call.door, part)]
        if booked := [item for item in items if isinstance(item, Booked)]:
            refusal = await send(call, booked)
            if refusal and len(booked) == len(items):
                raise refusal
        return items


async def estimate(call: Call, body: Any) -> Estimated | Refusal:
    try:
        job = Job.parse(body)
        if job.upload_id and not await call.in_database(services.owns_upload, call.door, job.upload_id):
            return Refusal(400, "The problem refers to data that you have not uploaded.")
        solver = await call.gateway.solvers.find(call.upstream, call.door.token.pk, job.solver, job.graph_id)
        if solver is None:
            return Refusal(404, NO_SOLVER)
        needed_ns = estimate_ns(job, solver.properties, margin_percent=call.gateway.margin_percent)
        return Estimated(job, needed_ns, conversion_rate(job, solver.properties))
    except InvalidJob as error:
        return Refusal(400, str(error))


def book(door: Door, items: Sequence[Estimated | Refusal]) -> list[Booked | Refusal]:
    outcomes = [item if isinstance(item, Refusal) else book_one(door, item) for item in items]
    services.count_refused(door, outcomes, timezone.now())
    return outcomes


def book_one(door: Door, item: Estimated) -> Booked | Refusal:
    # Not the time of the request: its body may have taken minutes, which the reconciler would take for a lost one.
    booked = services.book(door, item.job, item.needed_ns, item.conversion_rate, timezone.now())
    return booked if isinstance(booked, Refusal) else Booked(item.job, booked)


async def send(call: Call, items: list[Booked]) -> Refusal | None:
    """Send booked problems in one go, and record the outcome of each; the refusal, if it is the same for all."""
    if timezone.now() - items[0].problem.seen_at > SEND_WITHIN:
        return await refuse(call, items, unavailable())
    body = orjson.dumps([item.as_sent() for item in items])
    headers = call.headers("problems") | {"Content-Type": "application/json"}
    try:
        reply = await call.upstream.request("POST", "problems/", body=body, headers=headers)
    except NotSent:
        return await refuse(call, items, unavailable())
    except Lost:
        return keep(items)
    return await take(call, items, reply)


async def take(call: Call, items: list[Booked], reply: Answer) -> Refusal | None:
    """Make sense of D-Wave's answer to a submission."""
    if reply.status in {401, 403}:
        return await refuse(call, items, token_refused())
    if 400 <= reply.status < 500:
        return await refuse(call, items, refusal_in(reply))
    said = parsed(reply) if reply.ok else None
    if not isinstance(said, list) or len(said) != len(items):
        return keep(items)
    for part in in_parts(list(zip(items, said, strict=True))):
        await call.in_database(take_all, part)
    return None


def take_all(answers: Sequence[tuple[Booked, Any]]) -> None:
    for item, words in answers:
        take_one(item, words)


def take_one(item: Booked, words: Any) -> None:
    if not is_about(item, words):
        keep([item])
        return
    try:
        if "error_code" in words:
            item.outcome = Refusal(status_in(words), message_in(words))
            services.release([item.problem], timezone.now())
        else:
            services.accept(item.problem, words, timezone.now())
            item.outcome = words
    except Refusal as refusal:
        item.outcome = refusal
    except DatabaseError:
        log.warning("outcome_not_recorded", usage_id=item.problem.pk, exc_info=True)
        keep([item])


async def refuse(call: Call, items: list[Booked], refusal: Refusal) -> Refusal:
    """Nothing of this submission has reached a QPU: give all of it back."""
    await call.in_database(services.release, [item.problem for item in items], timezone.now())
    for item in items:
        item.outcome = refusal
    return refusal


def keep(items: list[Booked]) -> Refusal:
    """Nobody knows what became of these: their reservations stay until the reconciler has found out."""
    refusal = unclear()
    for item in items:
        item.outcome = refusal
    return refusal


def unclear() -> Refusal:
    return Refusal(502, "D-Wave did not answer clearly: the problem may run or not. Look at your problems in a while.")


def parsed(reply: Answer) -> Any:
    try:
        return reply.json()
    except Lost:
        return None


def is_about(item: Booked, words: Any) -> bool:
    """Whether D-Wave's words can be the ones about this problem: a label, if there is one, tells."""
    if not isinstance(words, dict):
        return False
    if "error_code" in words:
        return True
    label = words.get("label")
    is_ours = label is None or usage_id_in(str(label)) == item.problem.pk
    return is_ours and is_plain(words.get("id")) and services.text(words.get("status")) in services.STATUSES


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
