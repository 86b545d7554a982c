"""One call of a member's program: who makes it, at which token, and the ways on to the database and to D-Wave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

import aiohttp
import structlog
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.utils import timezone
from starlette.convertors import Convertor, StringConvertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tokens.models import SDK_SCOPES, TokenScope

from . import services
from .models import Problem
from .redaction import Redaction
from .services import Door
from .solvers import SolverProperties
from .upstream import Upstream, new_session
from .wire import RETRY_SECONDS, VENDOR, HeldBody, Memory, Refusal, read_body, read_json

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

END_SECONDS = 20  # that a process waits for submissions under way before it ends


class Gateway:
    """What the requests of one process share: the way to the database and the way to D-Wave."""

    def __init__(self) -> None:
        self.margin_percent = settings.GATEWAY_MARGIN_PERCENT
        self.threads = ThreadPoolExecutor(settings.GATEWAY_DATABASE_THREADS, thread_name_prefix="gateway-database")
        self.solvers = SolverProperties()
        self.memory = Memory(settings.GATEWAY_BODIES_MB * 1024 * 1024)
        self.under_way: set[asyncio.Task[Any]] = set()
        self.session: aiohttp.ClientSession

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with new_session() as self.session:
            yield
            if self.under_way:
                await asyncio.wait(self.under_way, timeout=END_SECONDS)
        self.threads.shutdown()

    async def in_database(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        work = partial(copy_context().run, with_connection, partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that goes on when the one who waits is gone."""
        task = asyncio.create_task(work)
        self.under_way.add(task)  # the event loop alone would not keep it
        task.add_done_callback(self.under_way.discard)
        return await asyncio.shield(task)


def with_connection(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        # Back into the pool: this thread may be idle for long. SQLite has none, and opens and closes at a high price.
        if connection.vendor != "sqlite":
            connection.close()


class Call:
    """One request of a member's program: where it came in, and the way on."""

    def __init__(self, gateway: Gateway, request: Request, door: Door) -> None:
        self.gateway = gateway
        self.request = request
        self.door = door
        self.body = HeldBody(gateway.memory, door.member.pk)
        self.upstream = Upstream(gateway.session, door.endpoint, door.secret)
        # By version. Problems that went out with a former secret are asked for with that one, as long as it is kept.
        self.secrets = {door.token.secret_version: door.secret}

    @property
    def base_path(self) -> str:
        """The public path of this token's SAPI, for addresses in answers."""
        return str(self.request.url.path).partition("/sapi/v2/")[0] + "/sapi/v2/"

    def headers(self, kind: str) -> dict[str, str]:
        """What D-Wave is asked with, for an answer of one of SAPI's kinds."""
        accept = "application/json" if kind == "json" else f"{VENDOR}{kind}+json; version=3.0.0"
        return {"Accept": accept, "User-Agent": self.request.headers.get("User-Agent", "")}

    async def in_database(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.gateway.in_database(function, *args, **kwargs)

    async def read_body(self) -> bytes:
        return await read_body(self.request, self.body)

    async def read_json(self) -> Any:
        return await read_json(self.request, self.body)

    async def by_upstream(self, problems: Iterable[Problem]) -> list[tuple[Upstream, list[Problem]]]:
        """Problems together with the ones that went out to the same place with the same secret."""
        groups: dict[tuple[str, int], list[Problem]] = {}
        for problem in problems:
            groups.setdefault((problem.endpoint, problem.secret_version), []).append(problem)
        former = {version for _, version in groups} - self.secrets.keys()
        if former:
            self.secrets |= await self.in_database(services.retired_secrets, self.door.token, former)
        return [(self.upstream_at(*way), group) for way, group in groups.items()]

    def upstream_at(self, endpoint: str, version: int) -> Upstream:
        if endpoint != self.door.endpoint:
            services.require_allowed(endpoint)
        present = self.door.secret
        former = self.secrets.get(version, present)
        return Upstream(self.gateway.session, endpoint, former, None if former == present else present)

    async def upstream_of(self, problem: Problem) -> Upstream:
        [(upstream, _)] = await self.by_upstream([problem])
        return upstream


Endpoint = Callable[[Call], Awaitable[Response]]
View = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint, route: str) -> View:
    """Let in who may use the token of the address, and answer in SAPI's form whatever happens."""

    async def view(request: Request) -> Response:
        request.scope["portal.route"] = route
        gateway: Gateway = request.app.state.gateway
        key, token = request.headers.get("X-Auth-Token", ""), request.path_params
        try:
            door = await gateway.in_database(services.enter, key, token["scope"], token["name"], timezone.now())
        except Exception as error:
            return await explained(error, request)
        structlog.contextvars.bind_contextvars(user_id=door.member.user_id)
        call = Call(gateway, request, door)
        try:
            with call.body:
                response = await endpoint(call)
        except Exception as error:
            response = await explained(error, request)
        return redacted(response, Redaction(call.secrets.values()))

    return view


async def explained(error: Exception, request: Request) -> Response:
    """What went wrong, in SAPI's form."""
    refusal = refusal_for(error)
    if request.method == "GET" and refusal.status >= 500:
        # The client may ask again at once, for ever: that must not become hundreds of requests a second.
        await asyncio.sleep(RETRY_SECONDS)
    return refusal.as_response()


def refusal_for(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case ClientDisconnect():
            return Refusal(400, "The request is cut off.")
        case OperationalError() | InterfaceError() | InternalError():
            log.warning("database_unavailable", exc_info=error)
            message = "The portal's database does not answer at the moment. Try again."
            return Refusal(503, message, retry_after=RETRY_SECONDS)
        case _:
            log.error("gateway_failed", exc_info=error)
            return Refusal(
                500, "Something went wrong in the portal. Tell your operator the X-Request-ID of this answer."
            )


def redacted(response: Response, redaction: Redaction) -> Response:
    if isinstance(response, StreamingResponse):
        response.body_iterator = redaction.apply_to_stream(cast(AsyncIterator[bytes], response.body_iterator))
    elif (body := redaction.apply(bytes(response.body))) != response.body:
        response.body = body
        response.headers["Content-Length"] = str(len(body))
    return response


class ScopeConvertor(Convertor[TokenScope]):
    """The SDK's word for a scope of tokens."""

    regex = "|".join(SDK_SCOPES)

    def convert(self, value: str) -> TokenScope:
        return SDK_SCOPES[value]

    def to_string(self, value: TokenScope) -> str:
        return next(word for word, scope in SDK_SCOPES.items() if scope == value)


class SlashConvertor(StringConvertor):
    """A slash at the end, or none: clients do not survive redirects from one to the other."""

    regex = "/?"


register_url_convertor("sdk_scope", ScopeConvertor())
register_url_convertor("optional_slash", SlashConvertor())


def routes(path: str, endpoints: Mapping[str, Endpoint]) -> Iterator[Route]:
    """A path of SAPI below all tokens."""
    below = f"{{name}}/sapi/v2/{path}"
    for method, endpoint in endpoints.items():
        view = guarded(endpoint, route=f"/dwave/{{scope}}/{below}")
        yield Route(f"/dwave/{{scope:sdk_scope}}/{below}{{slash:optional_slash}}", view, methods=[method])
