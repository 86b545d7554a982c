"""An ASGI application that answers 300 bytes and does nothing else."""

from typing import Any

BODY = b'{"name": "lab", "provider": "dwave", "padding": "%s"}' % (b"." * 246)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
