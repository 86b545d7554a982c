"""SAPI's manners: media types, bodies, refusals (see docs/gateway.md for what the Ocean client insists on)."""

import asyncio
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")

MAX_BODY_BYTES = 64 * 1024 * 1024  # twenty problems on a full QPU are about 10 MB, an upload part is 5 MiB
MAX_VALUES = 1_000_000  # of JSON in a body: twenty problems with three lists of all qubits have 350,000
VALUE_BYTES = 100  # that one takes at most when it is parsed

# What solvers, problems and uploads are called. Nothing else may get into an address upstream.
PLAIN = re.compile(r"\w[\w.:=+~-]{0,99}", re.ASCII)

SILENCE_SECONDS = 30  # in the middle of a body, before the connection goes to somebody else

VENDOR = "application/vnd.dwave.sapi."
PART = 100  # ids, as Ocean asks; the address of a thousand is longer than servers take
RETRY_SECONDS = 2  # without Retry-After the client asks again at once, some 470 times a second


class Refusal(Exception):
    """An answer instead of the one that was asked for. The client shows `message` to its user as it is."""

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    def as_item(self) -> dict[str, Any]:
        """The refusal of one problem in an answer about several."""
        return {"error_code": self.status, "error_msg": self.message}

    def as_response(self) -> Response:
        return Response(orjson.dumps(self.as_item()), self.status, {"Content-Type": "application/json", **self.headers})


def unavailable() -> Refusal:
    return Refusal(503, "D-Wave cannot be reached at the moment. Try again.", retry_after=RETRY_SECONDS)


def not_found() -> Refusal:
    return Refusal(404, "Problem does not exist or apitoken does not have access")  # D-Wave's words


def in_parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Items in groups of the size that one question upstream, or one turn in the database, is about at most."""
    for start in range(0, len(items), PART):
        yield items[start : start + PART]


def is_plain(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and PLAIN.fullmatch(name) is not None


class Memory:
    """What the bodies of all requests that one process has at once may take; a member's no more than half of it."""

    def __init__(self, most_bytes: int) -> None:
        self.free_bytes = most_bytes
        self.most_of_member = most_bytes // 2
        self.taken: Counter[int] = Counter()  # bytes by member

    def take(self, member_id: int, count: int) -> None:
        """Take so many bytes more, or fewer; refuses what does not fit at the moment."""
        if count > self.free_bytes:
            raise crowded("The portal is reading as much as it can at the moment. Try again.")
        if count > self.most_of_member - self.taken[member_id]:
            raise crowded("Your requests take as much as one member's may at once. Try again when one has ended.")
        self.free_bytes -= count
        self.taken[member_id] += count
        if not self.taken[member_id]:
            del self.taken[member_id]


def crowded(message: str) -> Refusal:
    return Refusal(503, message, retry_after=RETRY_SECONDS)


class HeldBody:
    """One request's share of the memory, given back when the last block that holds it has ended."""

    def __init__(self, memory: Memory, member_id: int) -> None:
        self.memory = memory
        self.member_id = member_id
        self.size = self.holders = 0

    def grow(self, count: int) -> None:
        """Take so many bytes more, or fewer; refuses what does not fit at the moment."""
        self.memory.take(self.member_id, count)
        self.size += count

    def __enter__(self) -> None:
        self.holders += 1

    def __exit__(self, *error: object) -> None:
        self.holders -= 1
        if not self.holders:
            self.grow(-self.size)


async def read_body(request: Request, held: HeldBody) -> bytes:
    """The body as it was before the client compressed it; refuses what is too large, also when unfolded."""
    body = await receive(request, held)
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "deflate":
        raise Refusal(415, "The gateway reads bodies that are compressed by deflate, or not at all.")
    text = inflate(body)
    held.grow(len(text) - len(body))
    return text


async def receive(request: Request, held: HeldBody) -> bytes:
    """The body as it was sent; refuses what is too large, or does not go on."""
    body = bytearray()
    try:
        async with asyncio.timeout(SILENCE_SECONDS) as patience:
            async for chunk in request.stream():
                patience.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
                held.grow(len(chunk))
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal(413, "The request is too large.")
    except TimeoutError:
        raise Refusal(408, "The rest of the body did not arrive.") from None
    return bytes(body)


def inflate(body: bytes) -> bytes:
    try:
        decompressor = zlib.decompressobj()
        text = decompressor.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise Refusal(400, "The compressed body could not be read.") from None
    if len(text) > MAX_BODY_BYTES:
        raise Refusal(413, "The request is too large.")
    if not decompressor.eof:
        raise Refusal(400, "The compressed body is cut off.")
    return text


async def read_json(request: Request, held: HeldBody) -> Any:
    """The body's JSON, which takes many times the memory of its text."""
    body = await read_body(request, held)
    held.grow(most_values(body) * VALUE_BYTES)
    return parse(body)


def most_values(text: bytes) -> int:
    """How many values a JSON text can have; refuses so many that parsing would keep everybody waiting."""
    count = sum(map(text.count, (b",", b"[", b"{")))
    if count > MAX_VALUES:
        raise Refusal(413, "The request has too many values.")
    return count


def parse(body: bytes) -> Any:
    """Strict JSON: no NaN, no infinity, no numbers beyond 64 bits."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(400, "The body is not valid JSON.") from None


def answer(kind: str, value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of one of SAPI's kinds; the client insists on its media type and version."""
    media_type = f"{VENDOR}{kind}+json; version=3.0.0; charset=utf-8"
    return Response(orjson.dumps(value), status, {"Content-Type": media_type, **(headers or {})})
