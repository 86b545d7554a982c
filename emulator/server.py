"""Runs the emulator: in this process for ever, or in a thread for as long as a test needs it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from .client import Emulator

GRACE = 0.5  # seconds for open requests at the end; a long poll may not keep the process
LONGEST_LINE = 8190  # of a request: D-Wave documents 8 KB


async def start(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Listen; the runner, which is to be cleaned up, and the endpoint for clients. Port 0 is any free one."""
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=GRACE, max_line_size=LONGEST_LINE
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}/sapi/v2"


@contextmanager
def running(app: web.Application) -> Iterator[Emulator]:
    """Serve `app` on loopback, in a thread with an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="emulator", daemon=True)
    thread.start()
    runner, endpoint = asyncio.run_coroutine_threadsafe(start(app, "127.0.0.1", 0), loop).result()
    try:
        yield Emulator(endpoint)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
