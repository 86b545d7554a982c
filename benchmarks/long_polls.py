"""What clients cost that wait in long polls, all at once: the memory and threads of the server that holds them."""

import argparse
import asyncio
from dataclasses import dataclass

from . import report
from .client import load, together
from .gateway import Hop, hops, poll, requests_to, submit_one

WAIT_SECONDS = 10


@dataclass(frozen=True)
class Size:
    megabytes: float
    threads: int

    @classmethod
    def of(cls, hop: Hop) -> "Size":
        return cls(hop.server.megabytes(), hop.server.threads())


async def sizes(hop: Hop, problem_id: str, clients: int) -> list[Size]:
    """Before, while so many clients wait, and after. Ends if one of them was not held or not answered."""
    before, loop = Size.of(hop), asyncio.get_running_loop()
    started = loop.time()
    waiting = asyncio.create_task(together(hop.server.address, [poll(hop, problem_id, WAIT_SECONDS)] * clients))
    await asyncio.sleep(WAIT_SECONDS / 2)
    meanwhile = Size.of(hop)
    await waiting
    if loop.time() - started < WAIT_SECONDS:
        raise SystemExit(f"{hop.name} did not hold the polls.")
    return [before, meanwhile, Size.of(hop)]


def warm_up(hop: Hop) -> None:
    """Have everything loaded and all threads started that a busy server has anyway."""
    for request in requests_to(hop).values():
        asyncio.run(load(hop.server.address, request, clients=16, seconds=1))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_polls", description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    clients = parser.parse_args().clients
    print(report.heading(f"{clients} clients waiting in long polls"))
    rows = []
    with hops() as found:
        for hop in found:
            warm_up(hop)
            before, meanwhile, after = asyncio.run(sizes(hop, submit_one(hop), clients))
            megabytes = [f"{size.megabytes:.0f}" for size in (before, meanwhile, after)]
            growth = f"{meanwhile.megabytes - before.megabytes:.1f}"
            threads = [str(size.threads) for size in (before, meanwhile, after)]
            rows.append([hop.name, " / ".join(megabytes), growth, " / ".join(threads)])
    print(report.table(["before / meanwhile / after", "MB (PSS)", "growth, MB", "threads"], rows))


if __name__ == "__main__":
    main()
