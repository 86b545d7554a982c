"""D-Wave's QPUs as the web processes need to know them: which there are for a token, and what a job can cost there."""

import asyncio
import base64
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

DEFAULT = "default"
TYPE = "ising"
# What the SDK sends along that is for the portal, and not for D-Wave.
OURS = frozenset({"chain_strength", "embedding_parameters", "qpu_backend"})


def choose(door: Door, name: str) -> Solver:
    """The QPU of this name; the largest one that the token can use, if it is the default that is asked for."""
    found = {qpu.name: qpu for qpu in known(door) if TYPE in qpu.properties.get("supported_problem_types", ())}
    if not found:
        raise ValidationError("This token can use no QPU.", code="qpu_backend")
    if name == DEFAULT:
        return max(found.values(), key=lambda qpu: (len(qpu.properties["qubits"]), qpu.name))
    if name not in found:
        raise ValidationError(f"This token can use {', '.join(sorted(found))}, or {DEFAULT}.", code="qpu_backend")
    return found[name]


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


def most_it_can_cost(qpu: Solver, parameters: dict[str, Any]) -> int:
    """Nanoseconds of a job on all qubits of the QPU: no embedding can cost more."""
    count = len(qpu.properties["qubits"])
    every_qubit = {"format": "qp", "lin": base64.b64encode(numpy.zeros(count, "<f8").tobytes()).decode()}
    return cost(qpu, parameters_for_dwave(parameters), every_qubit)


def cost(qpu: Solver, params: dict[str, Any], data: dict[str, Any]) -> int:
    """Nanoseconds to reserve for this problem; ValidationError says what is impossible about its parameters."""
    job = Job(type=TYPE, solver=qpu.name, params=params, data=data, label="", body={})
    try:
        return estimate_ns(job, qpu.properties, margin_percent=settings.GATEWAY_MARGIN_PERCENT)
    except InvalidJob as error:
        raise ValidationError(str(error), code="parameters") from None
