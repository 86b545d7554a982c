"""How SAPI's requests and answers look: media types, JSON, errors."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from .errors import SapiError
from .service import Service

SERVICE = web.AppKey("service", Service)
TOKEN = web.RequestKey("token", str)
VERSION = "3.0.0"
BODY_LIMIT = 64 * 1024 * 1024  # of a request, inflated; a batch of 20 full-chip problems is about 10 MB

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sapi(kind: str, payload: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer of one of SAPI's own media types, application/vnd.dwave.sapi.<kind>+json."""
    media_type = f"application/vnd.dwave.sapi.{kind}+json; version={VERSION}; charset=utf-8"
    return web.Response(
        body=orjson.dumps(payload), status=status, headers={"Content-Type": media_type} | (headers or {})
    )


def plain_json(payload: object, *, status: int = 200) -> web.Response:
    """An answer of no kind of SAPI's: uploads, errors, control."""
    return web.Response(body=orjson.dumps(payload), status=status, content_type="application/json")


def cacheable(request: web.Request, kind: str, payload: object, *, max_age: int) -> web.Response:
    """An answer with a weak ETag, or 304 to a client that has it already."""
    etag = f'W/"{hashlib.sha256(orjson.dumps(payload)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"private, max-age={max_age}"}
    known = request.headers.get("If-None-Match", "")
    if etag in [each.strip() for each in known.split(",")]:
        return web.Response(status=304, headers=headers)
    return sapi(kind, payload, headers=headers)


async def read_json(request: web.Request) -> Any:
    """The body, which aiohttp has inflated; unlike Python's own parser this one refuses NaN and Infinity."""
    try:
        return orjson.loads(await request.read())
    except (orjson.JSONDecodeError, web.RequestPayloadError):
        raise SapiError(400, "The body is not JSON") from None


def number(request: web.Request, name: str, *, default: int, lowest: int, highest: int) -> int:
    """An integer from the query; SapiError 400 where it is none or out of range."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SapiError(400, f"{name} must be an integer from {lowest} to {highest}")
    return int(text)
