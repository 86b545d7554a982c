"""Django's request handlers, for whom every request is UTF-8, and no body is longer than what is read of it.

Django would decode the query with whatever codec the Content-Type names as its charset. Some of Python's are not for
text (bz2, hex): the request could not even be made, and the answer would be the server's own error page.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

from .paths import most_bytes

Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]


class Utf8WSGIRequest(WSGIRequest):
    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        super()._set_content_type_params(without_charset(meta))  # type: ignore[misc]


class Utf8ASGIRequest(ASGIRequest):
    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        super()._set_content_type_params(without_charset(meta))  # type: ignore[misc]


def without_charset(meta: dict[str, Any]) -> dict[str, Any]:
    parts = meta.get("CONTENT_TYPE", "").split(";")
    kept = [part for part in parts if not part.strip().lower().startswith("charset")]
    return {**meta, "CONTENT_TYPE": ";".join(kept)}


class PortalWSGIHandler(WSGIHandler):
    request_class = Utf8WSGIRequest


class PortalASGIHandler(ASGIHandler):
    request_class = Utf8ASGIRequest

    async def handle(self, scope: Any, receive: Receive, send: Any) -> None:
        """Answer a request. Django would write its whole body to disk before anything looks at it."""
        await super().handle(scope, receive if has_length(scope) else without_body(receive), send)


def has_length(scope: Mapping[str, Any]) -> bool:
    """Whether the body has a length, as under WSGI, and one that is read; the middleware says what is wrong if not."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return length.isdigit() and int(length[:20]) <= most_bytes(scope["path"])


def without_body(receive: Receive) -> Receive:
    """What comes from a client, but for the body, of which nothing is kept."""
    is_first = True

    async def receive_rest() -> Message:
        nonlocal is_first
        if is_first:
            is_first = False
            return {"type": "http.request", "body": b""}
        while (message := await receive())["type"] != "http.disconnect":
            pass
        return message

    return receive_rest


def wsgi_handler() -> WSGIHandler:
    django.setup(set_prefix=False)
    return PortalWSGIHandler()


def asgi_handler() -> ASGIHandler:
    django.setup(set_prefix=False)
    return PortalASGIHandler()
