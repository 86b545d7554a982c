"""What is known of D-Wave's solvers: their properties, which estimates need, fetched once in a while."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from .upstream import Lost, Upstream
from .wire import VENDOR, Refusal, is_plain, unavailable

if TYPE_CHECKING:
    from .calls import Call

NO_SOLVER = "Solver does not exist or apitoken does not have access"  # D-Wave's words
FRESH_SECONDS = 300
AGAIN_SECONDS = 10  # for jobs on solvers, or on states of solvers, that are not known
# What estimates look at. The rest, of which couplers are the most, would take tens of megabytes for each token.
ESTIMATED_BY = (
    "num_reads_range",
    "problem_timing_data",
    "qubits",
    "quota_conversion_rate",
    "supported_problem_types",
)


@dataclass(frozen=True)
class Solver:
    """A solver as far as estimates need it, in the state that `graph_id` names (hybrid solvers have none)."""

    name: str
    graph_id: str | None
    properties: dict[str, Any]

    @classmethod
    def read(cls, words: dict[str, Any]) -> "Solver":
        """From D-Wave's words; KeyError, TypeError or AttributeError where they are none."""
        identity, properties = words["identity"], words["properties"]
        kept = {name: properties[name] for name in ESTIMATED_BY if name in properties}
        return cls(identity["name"], identity.get("version", {}).get("graph_id"), kept)


@dataclass(frozen=True)
class Entry:
    solvers: dict[str, Solver]
    fetched_at: float

    @property
    def age(self) -> float:
        return time.monotonic() - self.fetched_at


class SolverProperties:
    """The solvers of each endpoint and token; a cache of this process."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, int], Entry] = {}
        self.locks: dict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, upstream: Upstream, token_id: int, name: str, graph_id: str | None) -> Solver | None:
        """The solver that a job is for, if the token can use it.

        A job that does not fit what is known asks D-Wave again: QPUs come, and get another graph when they are
        calibrated anew.
        """
        solver = (await self.known(upstream, token_id, FRESH_SECONDS)).get(name)
        if solver is None or graph_id not in {None, solver.graph_id}:
            solver = (await self.known(upstream, token_id, AGAIN_SECONDS)).get(name)
        return solver

    async def known(self, upstream: Upstream, token_id: int, max_age: float) -> dict[str, Solver]:
        """All solvers that the token can use, by name."""
        key = (upstream.endpoint, token_id)
        async with self.locks[key]:  # a crowd of jobs asks once
            entry = self.entries.get(key)
            if entry is None or entry.age > max_age:
                entry = self.entries[key] = Entry(await fetch(upstream), time.monotonic())
        return entry.solvers


async def fetch(upstream: Upstream) -> dict[str, Solver]:
    accept = {"Accept": f"{VENDOR}solver-definition-list+json; version=3.0.0"}
    answer = await upstream.read("solvers/remote/", params={"filter": "all,-status,-avg_load"}, headers=accept)
    try:
        return {solver.name: solver for solver in map(Solver.read, answer.json()) if is_plain(solver.name)}
    except (Lost, KeyError, TypeError, AttributeError):
        raise unavailable() from None


async def list_solvers(call: "Call") -> Response:
    """What the token can use; D-Wave's own cache headers hold, as the list is the same for all who use the token."""
    return await pass_on(call, "solvers/remote/", "solver-definition-list")


async def show_solver(call: "Call") -> Response:
    name = call.request.path_params["solver"]
    if not is_plain(name):
        raise Refusal(404, NO_SOLVER)
    return await pass_on(call, f"solvers/remote/{name}", "solver-definition")


async def pass_on(call: "Call", path: str, kind: str) -> Response:
    query = call.request.query_params.get("filter")
    conditional = {name: call.request.headers[name] for name in ("If-None-Match",) if name in call.request.headers}
    reply = await call.upstream.read(
        path, params={"filter": query} if query else None, headers=call.headers(kind) | conditional
    )
    if reply.status >= 400:
        raise Refusal(reply.status, NO_SOLVER)
    if reply.status != HTTPStatus.NOT_MODIFIED and not reply.headers.get("Content-Type", "").startswith(VENDOR):
        raise unavailable()
    return Response(reply.body, reply.status, dict(reply.headers))
