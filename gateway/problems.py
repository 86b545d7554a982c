"""Problems that were submitted: waiting for them, reading them, cancelling them. Members reach only their own."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

import orjson
from django.utils import timezone
from starlette.responses import Response, StreamingResponse

from . import services
from .calls import Call
from .models import Problem
from .present import presented
from .upstream import Answer, Lost, NotSent, Upstream
from .wire import Refusal, answer, in_parts, not_found, unavailable

T = TypeVar("T")
Poll = asyncio.Task[dict[str, dict[str, Any]]]

MAX_IDS = 1000
LONGEST_WAIT = 30
LEAST_WAIT = 1.0  # seconds that an answer takes which brings nothing new: the client asks again at once, for ever


# --- Waiting ----------------------------------------------------------------------------------------------------------


async def list_or_poll(call: Call) -> Response:
    query = call.request.query_params
    return await poll(call, query["id"].split(",")) if "id" in query else await list_problems(call)


async def poll(call: Call, ids: list[str]) -> Response:
    """Statuses of problems, as soon as one has ended or the time is over. Waiting costs no thread."""
    if len(ids) > MAX_IDS:
        raise Refusal(400, f"Ask for at most {MAX_IDS} problems at once.")
    seconds = timeout_asked(call)
    problems = await call.in_database(services.find_problems, call.door, ids)
    asked_at = time.monotonic()
    said = await statuses(call, problems.values(), seconds)
    if not any_ended(said):
        await asyncio.sleep(LEAST_WAIT - (time.monotonic() - asked_at))
    news = {id_: words for id_, words in said.items() if services.news_in(words, problems[id_])}
    if news:  # most often there are none, and nobody need wait for the database
        await call.in_database(services.record_all, problems, news, timezone.now())
    return answer("problems", [status_of(problems[id_], said.get(id_), call) for id_ in ids])


async def statuses(call: Call, problems: Iterable[Problem], seconds: int) -> dict[str, dict[str, Any]]:
    """What D-Wave says, by problem id, as soon as one has ended or the time is over.

    Many problems are asked for in several questions at once, as are those of different secrets.
    """
    polls = [
        asyncio.create_task(poll_upstream(call, upstream, [problem.upstream_id for problem in part], seconds))
        for upstream, group in await call.by_upstream(problems)
        for part in in_parts(group)
    ]
    try:
        return await first_news(polls)
    finally:
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def first_news(polls: list[Poll]) -> dict[str, dict[str, Any]]:
    """What the polls have brought when one of them tells of an end, and all who know of one had time to say so."""
    said: dict[str, dict[str, Any]] = {}
    waiting = set(polls)
    while waiting:
        patience = LEAST_WAIT if any_ended(said) else None
        done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            break
        said |= merged(done)
    return said


def merged(polls: Iterable[Poll]) -> dict[str, dict[str, Any]]:
    return {id_: words for poll in polls for id_, words in poll.result().items()}


def any_ended(said: dict[str, dict[str, Any]]) -> bool:
    return any(words.get("status") in services.TERMINAL for words in said.values())


async def poll_upstream(call: Call, upstream: Upstream, ids: list[str], seconds: int) -> dict[str, dict[str, Any]]:
    params = {"id": ",".join(ids), "timeout": str(seconds)}
    reply = await upstream.read("problems/", params=params, headers=call.headers("problems"))
    if not reply.ok:
        raise reply.refusal()
    said = understood(reply, list)
    return {words["id"]: words for words in said if isinstance(words, dict) and words.get("id") in ids}


def timeout_asked(call: Call) -> int:
    timeout = call.request.query_params.get("timeout", "1")
    if not timeout.isascii() or not timeout.isdigit() or not 1 <= int(timeout[:9]) <= LONGEST_WAIT:
        raise Refusal(400, f"timeout must be 1 to {LONGEST_WAIT} seconds.")
    return int(timeout)


def status_of(problem: Problem, said: dict[str, Any] | None, call: Call) -> dict[str, Any]:
    """A problem's status; as we know it, where D-Wave leaves it out: a client would wait for it for ever."""
    return presented(said, problem, call) if said else known(problem)


def known(problem: Problem) -> dict[str, Any]:
    """What we remember of a problem, in SAPI's shape."""
    words = {
        "id": problem.upstream_id,
        "type": problem.type,
        "solver": problem.solver,
        "status": problem.status,
        "submitted_on": problem.submitted_on,
    }
    optional = {"label": problem.label, "solved_on": problem.solved_on}
    return words | {name: value for name, value in optional.items() if value}


async def list_problems(call: Call) -> Response:
    """The member's own problems, newest first. D-Wave's listing would be of everybody's."""
    query = call.request.query_params
    if query.get("status", "PENDING") not in services.STATUSES:
        raise Refusal(400, f"status must be one of {', '.join(sorted(services.STATUSES))}.")
    most = query.get("max_results", "1000")
    if not most.isascii() or not most.isdigit() or not 1 <= int(most[:9]) <= MAX_IDS:
        raise Refusal(400, f"max_results must be 1 to {MAX_IDS}.")
    found = await call.in_database(
        services.list_problems,
        call.door,
        status=query.get("status"),
        solver=query.get("solver"),
        label=query.get("label"),
        most=int(most),
    )
    return answer("problems", [known(problem) for problem in found])


# --- Reading ----------------------------------------------------------------------------------------------------------


async def show(call: Call) -> Response:
    """One problem with its answer, if it has one; `timeout` waits for it."""
    params = {"timeout": str(timeout_asked(call))} if "timeout" in call.request.query_params else None
    problem, said = await fetch(call, "", "problem", params)
    await call.in_database(services.record, problem, said, timezone.now())
    return answer("problem", presented(said, problem, call))


async def show_info(call: Call) -> Response:
    """All about a problem: what was sent, and what came of it."""
    problem, said = await fetch(call, "/info", "problem-data")
    metadata = said.get("metadata")
    words = {**metadata, **said} if isinstance(metadata, dict) else said
    await call.in_database(services.record, problem, words, timezone.now())
    return answer("problem-data", presented(said, problem, call))


async def show_answer(call: Call) -> Response:
    problem, said = await fetch(call, "/answer", "problem-answer")
    if not isinstance(said.get("answer"), dict):
        raise unavailable()
    await call.in_database(services.record, problem, {"status": "COMPLETED", **said}, timezone.now())
    return answer("problem-answer", presented(said, problem, call))


async def show_messages(call: Call) -> Response:
    problem = await own_problem(call)
    reply = await read(call, problem, "/messages", "problem-message")
    return answer("problem-message", understood(reply, list))


async def fetch(
    call: Call, rest: str, kind: str, params: dict[str, str] | None = None
) -> tuple[Problem, dict[str, Any]]:
    """A problem of the member's, and what D-Wave answers below its address."""
    problem = await own_problem(call)
    said = understood(await read(call, problem, rest, kind, params), dict)
    return problem, about(problem, said)


def about(problem: Problem, said: dict[str, Any]) -> dict[str, Any]:
    """D-Wave's words, if they are not about another problem."""
    if said.get("id", problem.upstream_id) != problem.upstream_id:
        raise unavailable()
    return said


async def own_problem(call: Call) -> Problem:
    return await call.in_database(services.find_problem, call.door, call.request.path_params["id"])


async def read(call: Call, problem: Problem, rest: str, kind: str, params: dict[str, str] | None = None) -> Answer:
    """D-Wave's answer below a problem's address."""
    upstream = await call.upstream_of(problem)
    reply = await upstream.read(f"problems/{problem.upstream_id}{rest}", params=params, headers=call.headers(kind))
    if not reply.ok:
        raise reply.refusal()
    return reply


def understood(reply: Answer, shape: type[T]) -> T:
    """The JSON of an answer, if it has the shape that it must have."""
    try:
        said = reply.json()
    except Lost:
        raise unavailable() from None
    if not isinstance(said, shape):
        raise unavailable()
    return said


async def download(call: Call) -> Response:
    """A binary answer. The client does not look at the status, so only what really is one may come with bytes."""
    problem = await own_problem(call)
    upstream = await call.upstream_of(problem)
    path = f"problems/{problem.upstream_id}/answer/data/"
    pieces = upstream.stream(path, headers={"Accept": "application/octet-stream"})
    first = await anext(pieces, b"")  # a refusal comes up here, while there is still a status to tell of it

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(body(), headers={"Content-Type": "application/octet-stream"})


# --- Cancelling -------------------------------------------------------------------------------------------------------


async def cancel_one(call: Call) -> Response:
    problem = await own_problem(call)
    upstream = await call.upstream_of(problem)
    reply = await write(upstream, "DELETE", f"problems/{problem.upstream_id}", None, call.headers("problem"))
    if not reply.ok:
        raise reply.refusal()
    said = about(problem, understood(reply, dict))
    await call.in_database(services.record, problem, said, timezone.now())
    return answer("problem", presented(said, problem, call), status=reply.status)


async def cancel_several(call: Call) -> Response:
    ids = await call.read_json()
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_IDS or not all(isinstance(id_, str) for id_ in ids):
        raise Refusal(400, f"Send a list of 1 to {MAX_IDS} problem ids.")
    problems = await call.in_database(services.those_found, call.door, ids)
    outcome: dict[str, dict[str, Any]] = {}
    for upstream, group in await call.by_upstream(problems.values()):
        outcome |= await cancel_upstream(upstream, [problem.upstream_id for problem in group], call.headers("problems"))
    await call.in_database(services.record_all, problems, outcome, timezone.now())
    return answer("problems", [cancelled(problems.get(id_), outcome.get(id_), call) for id_ in ids])


async def cancel_upstream(upstream: Upstream, ids: list[str], headers: dict[str, str]) -> dict[str, dict[str, Any]]:
    reply = await write(upstream, "DELETE", "problems/", orjson.dumps(ids), headers)
    if not reply.ok:
        raise reply.refusal()
    words = understood(reply, list)
    if len(words) != len(ids):
        raise unavailable()
    return {
        id_: said for id_, said in zip(ids, words, strict=True) if isinstance(said, dict) and said.get("id", id_) == id_
    }


def cancelled(problem: Problem | None, said: dict[str, Any] | None, call: Call) -> dict[str, Any]:
    if problem is None or said is None:
        return not_found().as_item()
    return presented(said, problem, call)


async def write(upstream: Upstream, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
    """Change something upstream that may be asked for again if the answer is lost."""
    try:
        reply = await upstream.request(method, path, body=body, headers={"Content-Type": "application/json"} | headers)
    except (NotSent, Lost):
        raise unavailable() from None
    return reply.checked()
