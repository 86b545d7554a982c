"""Django's request handlers, for whom every request is UTF-8.

Django would decode the query with whatever codec the Content-Type names as its charset. Some of Python's are not for
text (bz2, hex): the request could not even be made, and the answer would be the server's own error page.
"""

from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


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


def wsgi_handler() -> WSGIHandler:
    django.setup(set_prefix=False)
    return PortalWSGIHandler()


def asgi_handler() -> ASGIHandler:
    django.setup(set_prefix=False)
    return PortalASGIHandler()
