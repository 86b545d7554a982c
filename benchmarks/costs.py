"""What a request costs: CPU time of the server and of its database, and the time that passes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import report
from .client import Request, load
from .servers import Server


@dataclass(frozen=True)
class Cost:
    """Seconds for each answer: CPU of a server, CPU of the database that works for it, and what the clock says."""

    server: float
    database: float
    clock: float

    @property
    def total(self) -> float:
        return self.server + self.database


@dataclass(frozen=True)
class Side:
    """A server that is compared with others, and the database that works for it."""

    name: str
    server: Server
    database: Server | None = None

    def cpu_seconds(self) -> tuple[float, float]:
        return self.server.cpu_seconds(), self.database.cpu_seconds() if self.database else 0


Costs = dict[tuple[str, str], list[Cost]]  # of each round, by name of the side and kind of request


def take_turns(turns: Sequence[tuple[str, Side, Request]], *, rounds: int, clients: int, seconds: float) -> Costs:
    """What each kind of request costs at each side, in as many rounds; one more before them warms up."""
    costs: Costs = {}
    for number in range(rounds + 1):
        for kind, side, request in turns:
            cost = cost_of(side, request, clients=clients, seconds=seconds)
            if number:
                costs.setdefault((side.name, kind), []).append(cost)
    return costs


def cost_of(side: Side, request: Request, *, clients: int, seconds: float) -> Cost:
    before, started = side.cpu_seconds(), time.monotonic()
    answers = asyncio.run(load(side.server.address, request, clients=clients, seconds=seconds))
    passed, after = time.monotonic() - started, side.cpu_seconds()
    return Cost((after[0] - before[0]) / answers, (after[1] - before[1]) / answers, passed / answers)


def cpu_cells(own: Sequence[Cost], references: Sequence[Cost]) -> list[str]:
    """Microseconds of the server (+ of its database), and the ratio of both together."""
    microseconds = report.microseconds([cost.server for cost in own])
    if any(cost.database for cost in own):
        microseconds += f" + {report.microseconds([cost.database for cost in own])}"
    return [microseconds, report.ratio([cost.total for cost in own], [cost.total for cost in references])]
