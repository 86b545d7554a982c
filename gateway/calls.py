"""One call of a member's program: who makes it, at which token, and the ways on to the database and to D-Wave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

import aiohttp
import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tokens.models import SDK_SCOPES

from . import services
from .estimate import vendors_estimate
from .services import Door
from .solvers import SolverProperties
from .upstream import Upstream
from .wire import VENDOR, Refusal

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)


class Gateway:
    """What the requests of one process share: the way to the database and the way to D-Wave."""

    def __init__(self) -> None:
        self.margin_percent = settings.GATEWAY_MARGIN_PERCENT
        self.threads = ThreadPoolExecutor(settings.GATEWAY_DATABASE_THREADS, thread_name_prefix="gateway-database")
        self.solvers = SolverProperties()
        self.session: aiohttp.ClientSession

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        # Cookies would mix what different organizations get; the environment's proxies are not for secrets.
        jar = aiohttp.DummyCookieJar()
        connector = aiohttp.TCPConnector(limit=0)  # as many as there are held polls
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, trust_env=False) as self.session:
            warming = asyncio.create_task(asyncio.to_thread(vendors_estimate))
            yield
            await warming
        self.threads.shutdown()

    async def in_database(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, partial(with_connection, function, *args, **kwargs))

    def upstream(self, door: Door) -> Upstream:
        return Upstream(self.session, door.endpoint, door.secret)


def with_connection(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    try:
        return function(*args, **kwargs)
    finally:
        connection.close()  # back into the pool: this thread may be idle for long


class Call:
    """One request of a member's program: where it came in, and the way on."""

    def __init__(self, gateway: Gateway, request: Request, door: Door) -> None:
        self.gateway = gateway
        self.request = request
        self.door = door
        self.upstream = gateway.upstream(door)
        self.now = timezone.now()

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


Endpoint = Callable[[Call], Awaitable[Response]]


def guarded(endpoint: Endpoint, scope: str) -> Callable[[Request], Awaitable[Response]]:
    """Let in who may use the token of the address, and answer in SAPI's form whatever happens."""

    async def view(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        key, name = request.headers.get("X-Auth-Token", ""), request.path_params["name"]
        try:
            door = await gateway.in_database(services.enter, key, scope, name, timezone.now())
            return await endpoint(Call(gateway, request, door))
        except Refusal as refusal:
            return refusal.as_response()
        except Exception:
            log.exception("gateway_failed", endpoint=endpoint.__name__)
            return Refusal(500, "Something went wrong in the portal. Tell your operator.").as_response()

    return view


def routes(path: str, endpoints: Mapping[str, Endpoint]) -> Iterator[Route]:
    """A path of SAPI for both scopes, with and without a slash at its end: clients do not survive redirects."""
    for word, scope in SDK_SCOPES.items():
        for slash in ("", "/"):
            for method, endpoint in endpoints.items():
                yield Route(f"/dwave/{word}/{{name}}/sapi/v2/{path}{slash}", guarded(endpoint, scope), methods=[method])
