"""Problems: submit, wait, list, fetch, cancel."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from .errors import SapiError
from .problems import Problem, Status, wait_for_any
from .wire import SERVICE, TOKEN, number, read_json, sapi

MAX_IDS = MAX_RESULTS = 1000
LONGEST_POLL = 30  # seconds


# --- Submit and cancel: one or many; of many each has its own error ---------------------------------------------------


async def submit(request: web.Request) -> web.Response:
    """Accept a list of jobs, or a single one."""
    raw = await read_json(request)
    results = [_try_to_submit(request, item) for item in (raw if isinstance(raw, list) else [raw])]
    await request.app[SERVICE].settle([result for result in results if isinstance(result, Problem)])
    items = [with_answer(request, result) if isinstance(result, Problem) else result for result in results]
    return sapi("problems", items if isinstance(raw, list) else items[0])


def _try_to_submit(request: web.Request, raw: object) -> Problem | dict[str, Any]:
    try:
        return request.app[SERVICE].submit(raw, request[TOKEN])
    except SapiError as error:
        return error.as_item()


async def cancel_many(request: web.Request) -> web.Response:
    ids = await read_json(request) if request.can_read_body else []
    if not (isinstance(ids, list) and all(isinstance(each, str) for each in ids)):
        raise SapiError(400, "The body must be a list of problem ids")
    return sapi("problems", [_try_to_cancel(request, problem_id) for problem_id in ids])


def _try_to_cancel(request: web.Request, problem_id: str) -> dict[str, Any]:
    try:
        return _cancel(request, problem_id)
    except SapiError as error:
        return error.as_item()


async def cancel_one(request: web.Request) -> web.Response:
    try:
        return sapi("problem", _cancel(request, request.match_info["id"]))
    except SapiError as error:
        return sapi("problem", error.as_item(), status=error.code)


def _cancel(request: web.Request, problem_id: str) -> dict[str, Any]:
    problem = request.app[SERVICE].problems.get(problem_id, request[TOKEN])
    problem.cancel()
    return problem.as_status()


# --- Wait and list ----------------------------------------------------------------------------------------------------


async def list_problems(request: web.Request) -> web.Response:
    """Statuses: of the problems asked for, held until one of them is done, or of all that the token submitted."""
    timeout = number(request, "timeout", default=1, lowest=1, highest=LONGEST_POLL)
    max_results = number(request, "max_results", default=MAX_RESULTS, lowest=1, highest=MAX_RESULTS)
    matches = _filter(request)
    if "id" in request.query:
        problems = _asked_for(request)
        await wait_for_any(problems, timeout)
    else:
        problems = request.app[SERVICE].problems.of(request[TOKEN])
    found = [problem.as_status() for problem in problems if matches(problem)]
    return sapi("problems", found[:max_results])


def _asked_for(request: web.Request) -> list[Problem]:
    ids = request.query["id"].split(",")
    if len(ids) > MAX_IDS:
        raise SapiError(400, f"At most {MAX_IDS} problems can be asked for")
    problems = request.app[SERVICE].problems
    return [problems.get(problem_id, request[TOKEN]) for problem_id in ids]


def _filter(request: web.Request) -> Callable[[Problem], bool]:
    label, status, solver = (request.query.get(name) for name in ("label", "status", "solver"))
    if status is not None and status not in list(Status):
        raise SapiError(400, f"Unknown status {status}")

    def matches(problem: Problem) -> bool:
        return (
            (label is None or label in (problem.job.label or ""))
            and (status is None or problem.status == status)
            and (solver is None or problem.job.solver.name == solver)
        )

    return matches


# --- One problem ------------------------------------------------------------------------------------------------------


async def get_problem(request: web.Request) -> web.Response:
    """The status, and the answer as soon as there is one."""
    timeout = number(request, "timeout", default=1, lowest=1, highest=LONGEST_POLL)
    problem = _find(request)
    await wait_for_any([problem], timeout)
    return sapi("problem", with_answer(request, problem))


async def get_info(request: web.Request) -> web.Response:
    """All about a problem. Like the real service it shows the token that submitted it in clear."""
    problem = _find(request)
    job, status = problem.job, problem.as_status()
    shown = ("solver", "type", "submitted_on", "solved_on", "status", "label")
    metadata = {name: status[name] for name in shown if name in status}
    info = {
        "id": problem.id,
        "data": job.data,
        "params": job.params,
        "metadata": metadata | {"submitted_by": problem.token, "messages": []},
    }
    return sapi("problem-data", info | _answer(request, problem))


async def get_answer(request: web.Request) -> web.Response:
    answer = _answer(request, _find(request))
    if not answer:
        raise SapiError(404, "Problem has no answer")
    return sapi("problem-answer", answer)


async def get_answer_data(request: web.Request) -> web.Response:
    data = _find(request).answer_data
    if data is None:
        raise SapiError(404, "Problem has no binary answer")
    return web.Response(body=data, content_type="application/octet-stream")


async def get_messages(request: web.Request) -> web.Response:
    _find(request)
    return sapi("problem-message", [])


def _find(request: web.Request) -> Problem:
    return request.app[SERVICE].problems.get(request.match_info["id"], request[TOKEN])


def with_answer(request: web.Request, problem: Problem) -> dict[str, Any]:
    """A problem's status and, when there is one, its answer."""
    return problem.as_status() | _answer(request, problem)


def _answer(request: web.Request, problem: Problem) -> dict[str, Any]:
    if problem.answer is None:
        return {}
    if problem.answer_data is None:
        return {"answer": problem.answer}
    url = f"{request.scheme}://{request.host}/sapi/v2/problems/{problem.id}/answer/data/"
    return {"answer": problem.answer | {"url": url}}
