"""What is known of D-Wave's solvers: their properties, which estimates need, fetched once in a while."""

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from .upstream import Upstream
from .wire import VENDOR, Refusal, unavailable

if TYPE_CHECKING:
    from .calls import Call

SOLVER_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)  # nothing else may get into an address upstream
FRESH_SECONDS = 300  # properties change when a QPU is calibrated anew, at most every few hours


@dataclass(frozen=True)
class Entry:
    properties: dict[str, dict[str, Any]]
    fetched_at: float


class SolverProperties:
    """Properties by solver name, for each endpoint and token; a cache of this process."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, int], Entry] = {}

    async def known(self, upstream: Upstream, token_id: int) -> dict[str, dict[str, Any]]:
        """The properties of all solvers that the token can use."""
        key = (upstream.endpoint, token_id)
        entry = self.entries.get(key)
        if entry is None or time.monotonic() - entry.fetched_at > FRESH_SECONDS:
            entry = self.entries[key] = Entry(await fetch(upstream), time.monotonic())
        return entry.properties


async def fetch(upstream: Upstream) -> dict[str, dict[str, Any]]:
    accept = {"Accept": f"{VENDOR}solver-definition-list+json; version=3.0.0"}
    answer = await upstream.read("solvers/remote/", params={"filter": "all,-status,-avg_load"}, headers=accept)
    try:
        return {solver["identity"]["name"]: solver["properties"] for solver in answer.json()}
    except (KeyError, TypeError):
        raise unavailable() from None


async def list_solvers(call: "Call") -> Response:
    """What the token can use; D-Wave's own cache headers hold, as the list is the same for all who use the token."""
    return await pass_on(call, "solvers/remote/", "solver-definition-list")


async def show_solver(call: "Call") -> Response:
    name = call.request.path_params["solver"]
    if not SOLVER_NAME.fullmatch(name):
        raise Refusal(404, "Solver does not exist or apitoken does not have access")
    return await pass_on(call, f"solvers/remote/{name}", "solver-definition")


async def pass_on(call: "Call", path: str, kind: str) -> Response:
    query = call.request.query_params.get("filter")
    conditional = {name: call.request.headers[name] for name in ("If-None-Match",) if name in call.request.headers}
    reply = await call.upstream.read(
        path, params={"filter": query} if query else None, headers=call.headers(kind) | conditional
    )
    if reply.status >= 400:
        raise Refusal(reply.status, "Solver does not exist or apitoken does not have access")
    return Response(reply.body, reply.status, dict(reply.headers))
