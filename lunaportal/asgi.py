"""ASGI entry point: the gateway to D-Wave and, for where one process serves all, everything else."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .handlers import asgi_handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lunaportal.settings")
django = asgi_handler()

from gateway.app import application as gateway_application  # noqa: E402  Django has to be set up first

from .startup import refuse_wrong_key  # noqa: E402

with ThreadPoolExecutor(1) as thread:  # some servers load this in a running event loop, where Django asks no database
    thread.submit(refuse_wrong_key).result()
gateway = gateway_application()


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan" or scope["path"].startswith("/dwave/"):
        await gateway(scope, receive, send)
    else:
        await django(scope, receive, send)
