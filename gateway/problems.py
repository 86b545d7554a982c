"""Problems that were submitted: waiting for them, reading them, cancelling them. Members reach only their own."""

import asyncio
from typing import Any

import orjson
from starlette.responses import Response

from . import services
from .calls import Call
from .models import Problem
from .present import present_answer, presented
from .upstream import Answer, Lost, NotSent, token_refused
from .wire import RETRY_SECONDS, Refusal, answer, not_found, parse, read_body, unavailable

MAX_IDS = 1000
LONGEST_WAIT = 30
STATUSES = frozenset({"PENDING", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"})


# --- Waiting ----------------------------------------------------------------------------------------------------------


async def list_or_poll(call: Call) -> Response:
    query = call.request.query_params
    return await poll(call, query["id"].split(",")) if "id" in query else await list_problems(call)


async def poll(call: Call, ids: list[str]) -> Response:
    """Statuses of problems, as soon as one has ended or the time is over. Waiting costs no thread."""
    if len(ids) > MAX_IDS:
        raise Refusal(400, f"Ask for at most {MAX_IDS} problems at once.")
    problems = await call.in_database(services.find_problems, call.door, ids)
    said = await statuses(call, list(problems))
    await call.in_database(services.record_all, problems, said, call.now)
    return answer("problems", [status_of(problems[id_], said.get(id_), call) for id_ in ids])


async def statuses(call: Call, ids: list[str]) -> dict[str, dict[str, Any]]:
    """What D-Wave says, by problem id."""
    params = {"id": ",".join(ids), "timeout": str(timeout_asked(call))}
    try:
        reply = await call.upstream.read("problems/", params=params, headers=call.headers("problems"))
        if not reply.ok:
            raise refused(reply)
        return {words["id"]: words for words in reply.json() if words.get("id") in ids}
    except (Refusal, Lost, TypeError, AttributeError, KeyError) as error:
        # The client asks again at once, for ever: that must not become hundreds of requests a second.
        await asyncio.sleep(RETRY_SECONDS)
        raise error if isinstance(error, Refusal) else unavailable() from None


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
    if query.get("status", "PENDING") not in STATUSES:
        raise Refusal(400, f"status must be one of {', '.join(sorted(STATUSES))}.")
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
    await call.in_database(services.record, problem, said, call.now)
    return answer("problem", presented(said, problem, call))


async def show_info(call: Call) -> Response:
    """All about a problem: what was sent, and what came of it."""
    problem, said = await fetch(call, "/info", "problem-data")
    await call.in_database(services.record, problem, {**said.get("metadata", {}), **said}, call.now)
    return answer("problem-data", presented(said, problem, call))


async def show_answer(call: Call) -> Response:
    problem, said = await fetch(call, "/answer", "problem-answer")
    await call.in_database(services.record, problem, {"status": "COMPLETED", **said}, call.now)
    inner = said.get("answer")
    return answer(
        "problem-answer", {"answer": present_answer(inner, problem, call)} if isinstance(inner, dict) else said
    )


async def show_messages(call: Call) -> Response:
    _, said = await fetch(call, "/messages", "problem-message")
    return answer("problem-message", said)


async def fetch(call: Call, rest: str, kind: str, params: dict[str, str] | None = None) -> tuple[Problem, Any]:
    """A problem of the member's, and what D-Wave answers below its address."""
    problem = await call.in_database(services.find_problem, call.door, call.request.path_params["id"])
    reply = await call.upstream.read(f"problems/{problem.upstream_id}{rest}", params=params, headers=call.headers(kind))
    if not reply.ok:
        raise refused(reply)
    try:
        said = reply.json()
    except Lost:
        raise unavailable() from None
    if kind != "problem-message" and not isinstance(said, dict):
        raise unavailable()
    return problem, said


async def download(call: Call) -> Response:
    """A binary answer. The client does not look at the status, so only what really is one may come with bytes."""
    problem = await call.in_database(services.find_problem, call.door, call.request.path_params["id"])
    path = f"problems/{problem.upstream_id}/answer/data/"
    reply = await call.upstream.read(path, headers={"Accept": "application/octet-stream"})
    if not reply.ok:
        raise refused(reply)
    return Response(reply.body, headers={"Content-Type": "application/octet-stream"})


def refused(reply: Answer) -> Refusal:
    """D-Wave's refusal to tell of a problem; its own words only where they are SAPI's."""
    if reply.status == 404:
        return not_found()
    if 400 <= reply.status < 500:
        return Refusal(reply.status, message_of(reply))
    return unavailable()


def message_of(reply: Answer) -> str:
    try:
        words = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        words = None
    message = words.get("error_msg") if isinstance(words, dict) else None
    return message[:500] if isinstance(message, str) else "D-Wave refused the request."


# --- Cancelling -------------------------------------------------------------------------------------------------------


async def cancel_one(call: Call) -> Response:
    problem = await call.in_database(services.find_problem, call.door, call.request.path_params["id"])
    reply = await write(call, "DELETE", f"problems/{problem.upstream_id}", None, "problem")
    said = orjson.loads(reply.body) if reply.body else {}
    if reply.ok and isinstance(said, dict):
        await call.in_database(services.record, problem, said, call.now)
        return answer("problem", presented(said, problem, call), status=reply.status)
    raise refused(reply)


async def cancel_several(call: Call) -> Response:
    ids = parse(await read_body(call.request))
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_IDS or not all(isinstance(id_, str) for id_ in ids):
        raise Refusal(400, f"Send a list of 1 to {MAX_IDS} problem ids.")
    problems = await call.in_database(services.those_found, call.door, ids)
    outcome = await cancel_upstream(call, list(problems)) if problems else {}
    await call.in_database(services.record_all, problems, outcome, call.now)
    return answer("problems", [cancelled(problems.get(id_), outcome.get(id_), call) for id_ in ids])


async def cancel_upstream(call: Call, ids: list[str]) -> dict[str, dict[str, Any]]:
    reply = await write(call, "DELETE", "problems/", orjson.dumps(ids), "problems")
    try:
        words = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise unavailable() from None
    if not reply.ok or not isinstance(words, list) or len(words) != len(ids):
        raise refused(reply)
    return {id_: said for id_, said in zip(ids, words, strict=True) if isinstance(said, dict)}


def cancelled(problem: Problem | None, said: dict[str, Any] | None, call: Call) -> dict[str, Any]:
    if problem is None or said is None:
        return not_found().as_item()
    return said if "error_code" in said else presented(said, problem, call)


async def write(
    call: Call, method: str, path: str, body: bytes | None, kind: str, headers: dict[str, str] | None = None
) -> Answer:
    """Change something upstream that may be asked for again if the answer is lost."""
    try:
        reply = await call.upstream.request(method, path, body=body, headers=call.headers(kind) | (headers or {}))
    except (NotSent, Lost):
        raise unavailable() from None
    if reply.status in {401, 403}:
        raise token_refused()
    if reply.status >= 500 or reply.status == 429:
        raise unavailable()
    return reply
