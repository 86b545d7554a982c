"""The engine's fork server: loads the libraries once, and forks a child for each task that comes in on its socket.

Its standard input is a socket, over which the worker sends one more socket for each task: the child's.
"""

import json
import os
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from fcntl import F_GETFL, F_SETFL, F_SETOWN, fcntl
from pathlib import Path
from typing import Any

from luna_model.errors import LunaModelError

from . import wire
from .errors import Refused
from .tasks import TASKS


def serve(control: socket.socket) -> None:
    """Fork a child for each socket that comes in, until the worker is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: what they say says all
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        _, sockets, _, _ = socket.recv_fds(control, 1, 1)
        if not sockets:
            return
        if os.fork() == 0:
            control.close()
            be_silent()
            with socket.socket(fileno=sockets[0]) as connection:
                work(connection)
            os._exit(0)
        os.close(sockets[0])


def be_silent() -> None:
    """Libraries write what models hold to the standard error; that is nothing for the operator's log."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stderr.fileno())


def work(connection: socket.socket) -> None:
    """Do one task. Whatever ends this process (memory, time, a worker that hangs up), the worker sees no answer."""
    connection.sendall(wire.BEGUN)
    with connection.makefile("rb") as stream:
        text, blob = (stream.read(length) for length in wire.lengths(stream.read(wire.HEADER.size)))
    request = json.loads(text)
    limit(memory_mb=request["memory_mb"], seconds=request["seconds"])
    die_with(connection)
    words, result = outcome(request["task"], request["args"], blob)
    outlive(connection)
    with suppress(BrokenPipeError):
        connection.sendall(wire.frame(words, result))


def outcome(task: str, args: dict[str, Any], blob: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        words, result = TASKS[task](blob, **args)
    except Refused as refused:
        return {"refused": str(refused)}, b""
    except LunaModelError:  # where nobody would expect one, as anybody may have made the model
        return {"refused": "luna_model cannot work with this model: it may be damaged."}, b""
    except MemoryError:
        return {"refused": "The job needs more memory than jobs may have here."}, b""
    except Exception as error:  # a mistake of ours: where, for the log, without what the model holds
        place = traceback.extract_tb(error.__traceback__)[-1]
        return {"failed": f"{type(error).__name__} at {place.filename}:{place.lineno}"}, b""
    return {"words": words}, result


def limit(*, memory_mb: int, seconds: int) -> None:
    """End this process when it takes more memory than now and `memory_mb`, or longer than `seconds`."""
    memory = address_space() + memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # by the kernel: libraries may hold the interpreter for long
    signal.alarm(seconds)


def address_space() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def die_with(connection: socket.socket) -> None:
    """Have the kernel end this process when the worker hangs up, whatever it is doing then."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl(connection, F_SETOWN, os.getpid())
    fcntl(connection, F_SETFL, fcntl(connection, F_GETFL) | os.O_ASYNC)
    with suppress(BlockingIOError):
        connection.recv(1, socket.MSG_DONTWAIT)  # returns at once if it has hung up already
        os._exit(0)


def outlive(connection: socket.socket) -> None:
    """SIGIO also tells that there is room to write: not while the answer is sent."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl(connection, F_SETFL, fcntl(connection, F_GETFL) & ~os.O_ASYNC)


if __name__ == "__main__":
    serve(socket.socket(fileno=0))
