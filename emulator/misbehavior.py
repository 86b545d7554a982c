"""What a fault does to a request or to its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

import orjson
from aiohttp import web

from .faults import Fault
from .wire import plain_json

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


async def interrupt(fault: Fault, request: web.Request) -> web.StreamResponse | None:
    """What the client gets instead of an answer; None where it is only late."""
    return await _INTERRUPTIONS[fault.kind](fault, request)


async def spoil(fault: Fault, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """What becomes of an answer."""
    if fault.kind in _INTERRUPTIONS:
        return await interrupt(fault, request) or response
    if response.status != HTTPStatus.OK or not isinstance(response, web.Response):
        return response
    body = cast(bytes, response.body)
    if fault.kind == "cut":
        return await _cut(request, response, body)
    if fault.kind == "not_json":
        return _like(response, b"{" + body)
    if fault.kind == "no_version":
        return web.Response(body=body, status=response.status, content_type=response.content_type)
    return _like(response, orjson.dumps(_CHANGES[fault.kind](orjson.loads(body))))


# --- Instead of an answer ---------------------------------------------------------------------------------------------


async def _status(fault: Fault, request: web.Request) -> web.Response:
    response = plain_json({"error_code": fault.status, "error_msg": fault.message}, status=fault.status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


async def _html(fault: Fault, request: web.Request) -> web.Response:
    return web.Response(text=HTML, content_type="text/html", status=fault.status)


async def _drop(fault: Fault, request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _hang(fault: Fault, request: web.Request) -> web.Response:
    await asyncio.sleep(fault.seconds)
    return await _drop(fault, request)


async def _delay(fault: Fault, request: web.Request) -> None:
    await request.read()  # kept by the request: it is acted on even if the client is gone by then
    await asyncio.sleep(fault.seconds)


_INTERRUPTIONS: dict[str, Callable[[Fault, web.Request], Awaitable[web.Response | None]]] = {
    "status": _status,
    "html": _html,
    "drop": _drop,
    "hang": _hang,
    "delay": _delay,
}


# --- In place of the right answer -------------------------------------------------------------------------------------


async def _cut(request: web.Request, response: web.Response, body: bytes) -> web.StreamResponse:
    """The first half of the answer, then the end of the connection."""
    torn = web.StreamResponse(status=response.status, headers={"Content-Type": response.headers["Content-Type"]})
    torn.content_length = len(body)
    await torn.prepare(request)
    await torn.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return torn


def _like(response: web.Response, body: bytes) -> web.Response:
    return web.Response(body=body, status=response.status, headers={"Content-Type": response.headers["Content-Type"]})


def _wrong_ids(payload: Any) -> Any:
    """Ids that nobody asked for."""
    if isinstance(payload, list):
        return [_wrong_ids(item) for item in payload]
    return payload | {"id": "00000000-0000-4000-8000-000000000000"} if "id" in payload else payload


def _missing_ids(payload: Any) -> Any:
    """A list without its last item."""
    return payload[:-1] if isinstance(payload, list) else payload


def _no_timing(payload: Any) -> Any:
    """Answers that do not say what they cost."""
    if isinstance(payload, list):
        return [_no_timing(item) for item in payload]
    if isinstance(payload, dict):
        costs = ("timing", "charge_time", "qpu_access_time")
        return {name: _no_timing(value) for name, value in payload.items() if name not in costs}
    return payload


_CHANGES: dict[str, Callable[[Any], Any]] = {
    "wrong_ids": _wrong_ids,
    "missing_ids": _missing_ids,
    "no_timing": _no_timing,
}
