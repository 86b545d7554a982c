"""Solvers: what there is and how it is doing."""

from typing import Any

from aiohttp import web

from .errors import NO_SUCH_SOLVER, SapiError
from .service import Service
from .solvers import Solver, select_fields
from .wire import SERVICE, cacheable

STATIC_MAX_AGE, DYNAMIC_MAX_AGE = 3600, 10  # seconds
DYNAMIC_FIELDS = {"status", "avg_load"}


async def list_solvers(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    entries = [_entry(solver, service, request) for solver in service.solvers.values()]
    return cacheable(request, "solver-definition-list", entries, max_age=_max_age(entries))


async def get_solver(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    solver = service.solvers.get(request.match_info["name"])
    if solver is None:
        raise SapiError(404, NO_SUCH_SOLVER)
    entry = _entry(solver, service, request)
    return cacheable(request, "solver-definition", entry, max_age=_max_age([entry]))


def _entry(solver: Solver, service: Service, request: web.Request) -> dict[str, Any]:
    entry = {
        "identity": solver.identity,
        "status": "OFFLINE" if solver.name in service.settings.offline else "ONLINE",
        "description": solver.description,
        "properties": solver.properties,
        "avg_load": service.machines[solver.name].load,
    }
    try:
        return select_fields(entry, request.query.get("filter", "all"))
    except ValueError as error:
        raise SapiError(400, str(error)) from error


def _max_age(entries: list[dict[str, Any]]) -> int:
    return DYNAMIC_MAX_AGE if any(DYNAMIC_FIELDS & entry.keys() for entry in entries) else STATIC_MAX_AGE
