"""python -m emulator --token SECRET: run a local D-Wave until it is told to end."""

import argparse
import asyncio
import contextlib
import signal

from .app import make_app
from .server import start


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emulator", description="A local D-Wave for development and tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 takes any free one")
    valid = parser.add_mutually_exclusive_group(required=True)
    valid.add_argument("--token", action="append", default=[], help="a valid API token; may be given repeatedly")
    valid.add_argument("--any-token", action="store_true", help="every token is valid until it is revoked")
    parser.add_argument("--seed", type=int, help="makes samples and jitter repeatable")
    parser.add_argument("--full-size", action="store_true", help="chips as large as D-Wave's own")
    parser.add_argument("--pace", type=float, default=1.0, help="share of its access time a run takes; 0: none")
    parser.add_argument("--jitter", type=float, default=0.0, help="0.03: runs cost up to 3 %% more or less")
    return parser.parse_args()


async def serve(arguments: argparse.Namespace) -> None:
    app = make_app(
        arguments.token,
        settings={"pace": arguments.pace, "jitter": arguments.jitter, "any_token": arguments.any_token},
        seed=arguments.seed,
        full_size=arguments.full_size,
    )
    runner, endpoint = await start(app, arguments.host, arguments.port)
    end = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, end.set)
    print(f"D-Wave emulator: {endpoint}", flush=True)  # noqa: T201
    try:
        await end.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parse_arguments()))
