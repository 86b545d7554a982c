"""What Django's middleware does for the rest of the portal: a line in the log, a count, an id, and no plain HTTP."""

import time
import uuid

import structlog
from django.conf import settings
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring.metrics import count_request

from .wire import Refusal

log = structlog.get_logger("gateway.requests")


class Reception:
    """Logs each request by its route (paths hold names, queries hold ids), and turns away what came unencrypted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, request_id, code = time.perf_counter(), str(uuid.uuid4()), 500
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, ip=address_of(scope))

        async def send_on(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "private, no-store")
            await send(message)

        app = self.app if is_secure(scope) or not settings.HTTPS else use_https().as_response()
        try:
            await app(scope, receive, send_on)
        finally:
            elapsed = time.perf_counter() - started
            method, route = scope["method"], scope.get("portal.route", "(no such address)")
            count_request(service="gateway", method=method, route=route, status=code, seconds=elapsed)
            log.info("request_finished", code=code, request=f"{method} {route}", duration_ms=round(elapsed * 1000, 1))


def use_https() -> Refusal:
    return Refusal(403, f"Use {settings.PORTAL_URL} as base URL: this portal answers over https only.")


def is_secure(scope: Scope) -> bool:
    return (added_by_proxy(scope, "X-Forwarded-Proto") or scope["scheme"]) == "https"


def address_of(scope: Scope) -> str:
    client = scope.get("client") or ("127.0.0.1", 0)  # a Unix socket: its other end is on this machine
    return added_by_proxy(scope, "X-Forwarded-For") or str(client[0])


def added_by_proxy(scope: Scope, header: str) -> str:
    """What the outermost of our TRUSTED_PROXY_COUNT proxies saw; what stands further left the client made up."""
    if not settings.TRUSTED_PROXY_COUNT:
        return ""
    values = ",".join(Headers(scope=scope).getlist(header)).split(",")
    return values[-settings.TRUSTED_PROXY_COUNT :][0].strip()
