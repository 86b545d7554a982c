"""The emulator as a web application: routes, tokens, errors, faults."""

from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web

from . import control, problem_views, solver_views, upload_views
from .errors import SapiError
from .misbehavior import interrupt, spoil
from .service import Service
from .solvers import catalogue
from .wire import BODY_LIMIT, SERVICE, TOKEN, Handler, plain_json

PREFIX = "/sapi/v2"
SAPI_ROUTES: list[tuple[str, str, str, Handler]] = [  # name of the operation for faults, method, path, handler
    ("solvers", "GET", "/solvers/remote", solver_views.list_solvers),
    ("solver", "GET", "/solvers/remote/{name}", solver_views.get_solver),
    ("submit", "POST", "/problems", problem_views.submit),
    ("list", "GET", "/problems", problem_views.list_problems),
    ("cancel", "DELETE", "/problems", problem_views.cancel_many),
    ("problem", "GET", "/problems/{id}", problem_views.get_problem),
    ("cancel", "DELETE", "/problems/{id}", problem_views.cancel_one),
    ("info", "GET", "/problems/{id}/info", problem_views.get_info),
    ("answer", "GET", "/problems/{id}/answer", problem_views.get_answer),
    ("data", "GET", "/problems/{id}/answer/data", problem_views.get_answer_data),
    ("messages", "GET", "/problems/{id}/messages", problem_views.get_messages),
    ("upload", "POST", "/bqm/multipart", upload_views.begin),
    ("upload", "PUT", r"/bqm/multipart/{id}/part/{number:\d+}", upload_views.put_part),
    ("upload", "GET", "/bqm/multipart/{id}/status", upload_views.get_status),
    ("upload", "POST", "/bqm/multipart/{id}/combine", upload_views.combine),
]
ERRORS_ARE_TEXT = {"list", "answer", "messages"}  # where D-Wave's own guide shows them so; elsewhere they are JSON
CONTROL_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/control/settings", control.get_settings),
    ("POST", "/control/settings", control.change_settings),
    ("GET", "/control/faults", control.get_faults),
    ("POST", "/control/faults", control.add_fault),
    ("DELETE", "/control/faults", control.clear_faults),
    ("POST", "/control/tokens", control.change_tokens),
    ("GET", "/control/ledger", control.get_ledger),
    ("GET", "/control/problems", control.get_problems),
    ("POST", "/control/reset", control.reset),
]


def make_app(
    tokens: Iterable[str],
    *,
    settings: dict[str, Any] | None = None,
    seed: int | None = None,
    full_size: bool = False,
    threads: int = 2,
) -> web.Application:
    """An emulator for these tokens. `settings` are those of emulator.settings, `seed` makes samples repeatable."""
    app = web.Application(client_max_size=BODY_LIMIT)
    solvers = catalogue(full_size=full_size)

    async def run_service(app: web.Application) -> AsyncIterator[None]:
        with ThreadPoolExecutor(threads, thread_name_prefix="sampler") as pool:
            app[SERVICE] = Service(tokens=tokens, solvers=solvers, threads=pool, settings=settings or {}, seed=seed)
            yield
            app[SERVICE].close()

    app.cleanup_ctx.append(run_service)
    for operation, method, path, handler in SAPI_ROUTES:
        for slash in ("", "/"):  # with and without, and never a redirect: a redirected POST would become a GET
            app.router.add_route(method, PREFIX + path + slash, sapi_endpoint(operation, handler))
    for method, path, handler in CONTROL_ROUTES:
        app.router.add_route(method, path, control_endpoint(handler))
    return app


def sapi_endpoint(operation: str, handler: Handler) -> Handler:
    """A handler for requests with a valid token, which goes wrong when it is told to."""

    async def respond(request: web.Request) -> web.StreamResponse:
        token = request.headers.get("X-Auth-Token", "")
        is_poll = operation == "list" and "id" in request.query
        fault = request.app[SERVICE].faults.take("poll" if is_poll else operation, token)
        if fault and fault.when == "before" and (instead := await interrupt(fault, request)):
            return instead
        response = await answer(request, token, handler, errors_are_text=operation in ERRORS_ARE_TEXT)
        return await spoil(fault, request, response) if fault and fault.when == "after" else response

    return respond


async def answer(request: web.Request, token: str, handler: Handler, *, errors_are_text: bool) -> web.StreamResponse:
    """The right answer to a request with this token, or the right error."""
    if not request.app[SERVICE].accepts(token):
        return web.Response(status=401, text="Invalid token or access denied")
    request[TOKEN] = token
    try:
        return await handler(request)
    except SapiError as error:
        if errors_are_text:
            return web.Response(status=error.code, text=error.message)
        return plain_json(error.as_item(), status=error.code)


def control_endpoint(handler: Handler) -> Handler:
    """A handler for everybody."""

    async def respond(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except SapiError as error:
            return plain_json(error.as_item(), status=error.code)

    return respond
