"""A worker's side of the engine: starts its fork server, and has it do tasks."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import wire
from .errors import Failed, Refused

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_STARTS = 3  # of the fork server for one task
GRACE_SECONDS = 5  # after which the kernel has not ended a child whose time is over

# All that the engine's processes get to know of ours: no key, no password, no address.
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Done:
    """What a task has come to."""

    words: dict[str, Any]
    blob: bytes


class Engine:
    """A fork server; `async with` keeps it running. It is started anew if it has died."""

    def __init__(self, *, memory_mb: int, seconds: int) -> None:
        self.memory_mb = memory_mb
        self.seconds = seconds

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self.control, other = socket.socketpair()
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "solving.engine"], stdin=other.fileno(), cwd=ROOT, env=ENVIRONMENT
            )

    def stop(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()

    async def do(self, task: str, blob: bytes, **args: Any) -> Done:
        """Have a child do a task; Refused, with words for the user, if it cannot be done. Cancelling ends the child."""
        request = {"task": task, "args": args, "memory_mb": self.memory_mb, "seconds": self.seconds}
        for _ in range(MOST_STARTS):
            reader, writer = await self.child()
            try:
                async with asyncio.timeout(self.seconds + GRACE_SECONDS):
                    if await has_begun(reader):
                        writer.write(wire.frame(request, blob))
                        await writer.drain()
                        return understood(*await read(reader))
            except TimeoutError:
                raise out_of_time(self.seconds) from None
            except (asyncio.IncompleteReadError, OSError):
                raise Refused(
                    f"The job took more than the {self.memory_mb} MB of memory or {self.seconds} seconds that jobs may "
                    "have here."
                ) from None
            finally:
                writer.transport.abort()  # the child dies with its connection
        raise Failed("The fork server dies before it has forked anything.")

    async def child(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, childs = socket.socketpair()
        with childs:
            try:
                socket.send_fds(self.control, [b"!"], [childs.fileno()])
            except OSError:
                self.stop()
                self.start()
                socket.send_fds(self.control, [b"!"], [childs.fileno()])
        return await asyncio.open_connection(sock=ours)


async def has_begun(reader: asyncio.StreamReader) -> bool:
    """Whether there is a child; there is none if the fork server has died before it made one."""
    with suppress(ConnectionError):
        return bool(await reader.read(len(wire.BEGUN)))
    return False


async def read(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    text, blob = wire.lengths(await reader.readexactly(wire.HEADER.size))
    return json.loads(await reader.readexactly(text)), await reader.readexactly(blob)


def understood(words: dict[str, Any], blob: bytes) -> Done:
    if "refused" in words:
        raise Refused(words["refused"])
    if "failed" in words:
        raise Failed(words["failed"])
    return Done(words["words"], blob)


def out_of_time(seconds: int) -> Refused:
    return Refused(f"The job took longer than the {seconds} seconds that jobs may have here.")
