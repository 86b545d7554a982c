"""What is known of D-Wave's solvers: their properties, which estimates need, fetched once in a while."""

import asyncio
import hashlib
import time
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.utils.http import parse_etags
from starlette.responses import Response

from .upstream import Answer, Lost, Upstream
from .wire import VENDOR, Refusal, answer, is_plain, unavailable

if TYPE_CHECKING:
    from .calls import Call

LIST = "solvers/remote/"
LIST_SECONDS = 10  # that clients keep a list which an admin may change
NO_SOLVER = "Solver does not exist or apitoken does not have access"  # D-Wave's words
FRESH_SECONDS = 300
AGAIN_SECONDS = 10  # for jobs on solvers, or on states of solvers, that are not known
# What estimates and choices look at. The rest, of which couplers are the most, would take tens of megabytes for each
# token.
KEPT = (
    "maximum_time_limit_hrs",
    "minimum_time_limit",
    "minimum_time_limit_s",
    "num_biases_multiplier",
    "num_constraints_multiplier",
    "num_reads_range",
    "num_variables_multiplier",
    "problem_timing_data",
    "qubits",
    "quota_conversion_rate",
    "supported_problem_types",
    "version",
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
        kept = {name: properties[name] for name in KEPT if name in properties}
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
    reply = await upstream.read(LIST, params={"filter": "all,-status,-avg_load"}, headers=accept)
    try:
        return {solver.name: solver for solver in map(Solver.read, reply.json()) if is_plain(solver.name)}
    except (Lost, KeyError, TypeError, AttributeError):
        raise unavailable() from None


async def list_solvers(call: "Call") -> Response:
    """What the member may use on this token: all that D-Wave offers for it, in D-Wave's own words, or some of that."""
    if call.door.rules.solvers:
        return await list_allowed(call)
    return await pass_on(call, LIST, "solver-definition-list")


async def list_allowed(call: "Call") -> Response:
    """D-Wave's list without the solvers that the token's rules leave out, under an ETag of its own."""
    reply = await ask(call, LIST, "solver-definition-list", {})
    try:
        allowed = [words for words in reply.json() if call.door.rules.allows(words["identity"]["name"])]
    except KeyError:
        raise Refusal(
            400, "Only some solvers of this token may be used: `filter` must leave their identity in."
        ) from None
    except (Lost, TypeError):
        raise unavailable() from None
    response = answer("solver-definition-list", allowed)
    etag = f'"{hashlib.sha256(response.body).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": f"private, max-age={LIST_SECONDS}"}
    if etag in etags_known(call):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return response


def etags_known(call: "Call") -> set[str]:
    """What the client has already. Proxies that compress make an ETag a weak one, which is as good here."""
    return {etag.removeprefix("W/") for etag in parse_etags(call.request.headers.get("If-None-Match", ""))}


async def show_solver(call: "Call") -> Response:
    name = call.request.path_params["solver"]
    if not is_plain(name) or not call.door.rules.allows(name):
        raise Refusal(404, NO_SOLVER)
    return await pass_on(call, f"{LIST}{name}", "solver-definition")


async def pass_on(call: "Call", path: str, kind: str) -> Response:
    """D-Wave's answer as it is, with its own cache headers: it is the same for all who use the token."""
    conditional = {name: call.request.headers[name] for name in ("If-None-Match",) if name in call.request.headers}
    reply = await ask(call, path, kind, conditional)
    return Response(reply.body, reply.status, dict(reply.headers))


async def ask(call: "Call", path: str, kind: str, conditional: dict[str, str]) -> Answer:
    query = call.request.query_params.get("filter")
    reply = await call.upstream.read(
        path, params={"filter": query} if query else None, headers=call.headers(kind) | conditional
    )
    if reply.status >= 400:
        raise Refusal(reply.status, NO_SOLVER)
    if reply.status != HTTPStatus.NOT_MODIFIED and not reply.headers.get("Content-Type", "").startswith(VENDOR):
        raise unavailable()
    return reply
