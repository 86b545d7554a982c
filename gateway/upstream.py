"""The way to D-Wave: an HTTP client that carries the organization's token, and nothing else of the member's request."""

import io
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson

from monitoring.metrics import count_upstream_request

from .redaction import Redaction
from .wire import Refusal, not_found, unavailable

CONNECT_SECONDS = 10
ANSWER_SECONDS = 45  # Ocean gives up after 60; long polls are answered within 30
MAX_ANSWER_BYTES = 256 * 1024 * 1024
PIECE_BYTES = 64 * 1024

# What may pass in either direction. All else stays: cookies, addresses, and the member's API key.
REQUEST_HEADERS = ("Accept", "Content-Type", "Content-MD5", "If-None-Match", "User-Agent")
RESPONSE_HEADERS = ("Content-Type", "ETag", "Cache-Control", "X-Deprecation")


class NotSent(Exception):
    """The request did not reach D-Wave: nothing happened there."""


class Lost(Exception):
    """The request was sent, but no answer came back: nobody knows what happened there."""


def new_session() -> aiohttp.ClientSession:
    # Cookies would mix what different organizations get; the environment's proxies are not for secrets.
    connector = aiohttp.TCPConnector(limit=0)  # as many as there are held polls
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed; Lost if it is no JSON, for then nobody knows what D-Wave has done."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise Lost from None

    @classmethod
    async def read(cls, response: aiohttp.ClientResponse, redaction: Redaction) -> "Answer":
        """The answer without secrets: before anybody shortens D-Wave's words, which could leave half of one."""
        headers = {name: response.headers[name] for name in RESPONSE_HEADERS if name in response.headers}
        return cls(response.status, headers, redaction.apply(await read_all(response)))

    def checked(self) -> "Answer":
        """The answer, unless it is D-Wave's trouble, or the organization's, and nothing that the member could mend."""
        if self.refuses_token:
            raise token_refused()
        if self.status >= 500 or self.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise unavailable()
        return self

    def refusal(self) -> Refusal:
        """D-Wave's refusal to tell of a problem; its own words only where they are SAPI's."""
        if self.status == HTTPStatus.NOT_FOUND:
            return not_found()
        if 400 <= self.status < 500:
            return Refusal(self.status, self.message)
        return unavailable()

    @property
    def message(self) -> str:
        try:
            words = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            words = None
        message = words.get("error_msg") if isinstance(words, dict) else None
        return message[:500] if isinstance(message, str) else "D-Wave refused the request."

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refuses_token(self) -> bool:
        return self.status in {401, 403}


class Upstream:
    """One token's view of one SAPI endpoint.

    A `successor` is the secret that has taken the place of `secret`, and is tried where D-Wave does not take that one.
    """

    def __init__(
        self, session: aiohttp.ClientSession, endpoint: str, secret: str, successor: str | None = None
    ) -> None:
        self.session = session
        self.endpoint = endpoint.rstrip("/")
        self.secret = secret
        self.successor = successor
        self.redaction = Redaction([secret])

    def __repr__(self) -> str:
        return f"Upstream({self.endpoint})"

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        however_long: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request; the answer's body is still to be read. NotSent or Lost where there is no answer."""
        passed = {name: value for name, value in (headers or {}).items() if name in REQUEST_HEADERS}
        timeout = aiohttp.ClientTimeout(
            total=None if however_long else ANSWER_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS
        )
        outcome, seconds, started = "abandoned", None, time.perf_counter()
        try:
            async with self.session.request(
                method,
                f"{self.endpoint}/{path}",
                params=params,
                data=None if body is None else io.BytesIO(body),  # sent in pieces: a batch has megabytes
                headers={**passed, "X-Auth-Token": self.secret},
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                outcome, seconds = outcome_of(response.status), time.perf_counter() - started
                yield response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            outcome = "unreachable"
            raise NotSent from None
        except (aiohttp.ClientError, TimeoutError):
            outcome = "lost"
            raise Lost from None
        finally:
            count_upstream_request(method=method, path=path, outcome=outcome, seconds=seconds)

    async def request(self, method: str, path: str, **kwargs: Any) -> Answer:
        async with self.open(method, path, **kwargs) as response:
            answer = await Answer.read(response, self.redaction)
        if answer.refuses_token and self.successor:
            return await Upstream(self.session, self.endpoint, self.successor).request(method, path, **kwargs)
        return answer

    async def read(self, path: str, **kwargs: Any) -> Answer:
        """GET something whose loss harms nobody: no answer is a 503 that the client tries again."""
        try:
            return (await self.request("GET", path, **kwargs)).checked()
        except (NotSent, Lost):
            raise unavailable() from None

    async def stream(self, path: str, **kwargs: Any) -> AsyncIterator[bytes]:
        """GET something large, piece by piece. What keeps it from coming is a Refusal, before the first piece."""
        try:
            async with self.open("GET", path, however_long=True, **kwargs) as response:
                if response.status != HTTPStatus.OK:
                    raise (await Answer.read(response, self.redaction)).checked().refusal()
                async for piece in response.content.iter_chunked(PIECE_BYTES):
                    yield piece
        except (NotSent, Lost):
            raise unavailable() from None


def outcome_of(status: int) -> str:
    """What D-Wave's answer means to who runs the portal."""
    match status:
        case 401 | 403:
            return "token_refused"
        case 429:
            return "throttled"
        case _ if status >= 500:
            return "failed"
        case _ if status >= 400:
            return "refused"
    return "answered"


async def read_all(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise Lost
    return bytes(body)


def token_refused() -> Refusal:
    """D-Wave does not take the organization's token: nothing that the member could mend."""
    return Refusal(502, "D-Wave does not accept the token behind this address. Tell an admin of your organization.")
