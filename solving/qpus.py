"""D-Wave's solvers as web processes need to know them: which there are for a token, and what a job can cost there."""

import asyncio
import base64
import re
from typing import Any

import aiohttp
import numpy
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError

from gateway.estimate import estimate_ns
from gateway.jobs import InvalidJob, Job
from gateway.services import Door
from gateway.solvers import FRESH_SECONDS, Solver, fetch
from gateway.upstream import Upstream

from .hybrid import SMALLEST, time_limit

DEFAULT = "default"
QPU_TYPE = "ising"
# What the SDK sends along that is for the portal, and not for D-Wave.
OURS = frozenset({"chain_strength", "embedding_parameters", "qpu_backend", "spin_variables"})


def choose(door: Door, name: str, problem_type: str) -> Solver:
    """D-Wave's solver of this name; by default the largest QPU, or the latest hybrid solver, that the token can use."""
    types = {solver.name: solver.properties.get("supported_problem_types", ()) for solver in known(door)}
    found = {solver.name: solver for solver in known(door) if problem_type in types[solver.name]}
    if not found:
        raise ValidationError(
            f"This token can use no solver for problems of the type {problem_type}.", code="qpu_backend"
        )
    if name == DEFAULT:
        return max(found.values(), key=preference)
    if name not in found:
        raise ValidationError(f"This token can use {', '.join(sorted(found))}, or {DEFAULT}.", code="qpu_backend")
    return found[name]


def preference(solver: Solver) -> tuple[int, list[int], str]:
    """What is greater for better solvers: qubits, of which hybrid ones have none, and the version, which QPUs lack."""
    version = re.findall(r"[0-9]{1,9}", str(solver.properties.get("version", "")))
    return len(solver.properties.get("qubits", ())), [int(number) for number in version], solver.name


def known(door: Door) -> list[Solver]:
    """The solvers that the token can use, of the last minutes; equal secrets see the same."""
    key = f"solving.qpus:{door.endpoint}:{door.token.secret_digest}"
    solvers: list[Solver] | None = cache.get(key)
    if solvers is None:
        solvers = asyncio.run(ask(door))
        cache.set(key, solvers, FRESH_SECONDS)
    return solvers


async def ask(door: Door) -> list[Solver]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
        return list((await fetch(Upstream(session, door.endpoint, door.secret))).values())


def parameters_for_dwave(parameters: dict[str, Any]) -> dict[str, Any]:
    """What goes to D-Wave of a job's parameters."""
    return {name: value for name, value in parameters.items() if name not in OURS}


def most_it_can_cost(solver: Solver, problem_type: str, parameters: dict[str, Any]) -> int:
    """Nanoseconds to reserve before the model is read.

    On a QPU those of a job on all its qubits: no embedding can cost more. On a hybrid solver those of the time limit;
    where none is set, of the least that the solver takes. A larger model may turn out to need more.
    """
    if problem_type != QPU_TYPE:
        seconds = time_limit(solver.properties, parameters.get("time_limit"), SMALLEST)
        return cost(job_of(solver, problem_type, {"time_limit": seconds}, {}), solver)
    count = len(solver.properties["qubits"])
    every_qubit = {"format": "qp", "lin": base64.b64encode(numpy.zeros(count, "<f8").tobytes()).decode()}
    return cost(job_of(solver, problem_type, parameters_for_dwave(parameters), every_qubit), solver)


def cost(job: Job, solver: Solver) -> int:
    """Nanoseconds to reserve for this problem; ValidationError says what is impossible about its parameters."""
    try:
        return estimate_ns(job, solver.properties, margin_percent=settings.GATEWAY_MARGIN_PERCENT)
    except InvalidJob as error:
        raise ValidationError(str(error), code="parameters") from None


def job_of(solver: Solver, problem_type: str, params: dict[str, Any], data: dict[str, Any]) -> Job:
    """A problem of the portal's own making."""
    identity = {"name": solver.name, **({"version": {"graph_id": solver.graph_id}} if solver.graph_id else {})}
    return Job.parse({"type": problem_type, "solver": identity, "params": params, "data": data})
