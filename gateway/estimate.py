"""What a job will cost, before it runs: nanoseconds of QPU access time, by D-Wave's own timing model and a margin."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, TypeGuard

from quotas.policies import MAX_NS

from .jobs import InvalidJob, Job

TIMES = ("annealing_time", "programming_thermalization", "readout_thermalization")
SWITCHES = ("reinitialize_state", "reduce_intersample_correlation")
# All that the vendor's function looks at besides the number of qubits.
TIMING_PARAMETERS = (
    *TIMES,
    *SWITCHES,
    "num_reads",
    "anneal_schedule",
    "initial_state",
)


@cache
def vendors_estimate() -> Callable[..., float]:
    """D-Wave's own function. Its import takes seconds, so processes do it beside their start, not before."""
    from dwave.cloud.solver import StructuredSolver

    return StructuredSolver.estimate_qpu_access_time  # type: ignore[no-any-return]


class Solver:
    """What the vendor's estimate wants of a solver: its properties."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties


def estimate_ns(job: Job, properties: dict[str, Any], *, margin_percent: int) -> int:
    """What to reserve for a job on the solver with these properties; InvalidJob where nobody can tell."""
    if job.type not in properties.get("supported_problem_types", ()):
        raise InvalidJob(f"This solver does not solve problems of the type {job.type}.")
    microseconds = hybrid_cost(job) if job.is_hybrid else qpu_cost(job, properties)
    nanoseconds = microseconds / conversion_rate(job, properties) * 10 * (100 + margin_percent)
    if not 0 < nanoseconds <= MAX_NS:
        raise InvalidJob("What this problem would cost cannot be estimated from its parameters.")
    return math.ceil(nanoseconds)


def conversion_rate(job: Job, properties: dict[str, Any]) -> float:
    """How many seconds of the solver's time D-Wave deducts one second for."""
    rate = properties.get("quota_conversion_rate", None if job.is_hybrid else 1)
    if not is_number(rate) or rate <= 0:
        raise InvalidJob("This solver does not say what its time costs.")
    return float(rate)


def qpu_cost(job: Job, properties: dict[str, Any]) -> float:
    """Microseconds of a job on a QPU."""
    active = job.active_qubits(len(properties.get("qubits", ())))
    params = {name: job.params[name] for name in TIMING_PARAMETERS if job.params.get(name) is not None}
    check_reads(params.get("num_reads", 1), properties)
    for name in TIMES:
        if name in params:
            check_time(name, params[name])
    if "anneal_schedule" in params:
        check_schedule(params["anneal_schedule"])
    for name in SWITCHES:
        check_switch(name, params.get(name, False))
    try:
        return float(vendors_estimate()(Solver(properties), active, **params))
    except (ValueError, KeyError, TypeError, ArithmeticError):
        raise InvalidJob("What this problem would cost cannot be estimated on this solver.") from None


def hybrid_cost(job: Job) -> float:
    """Microseconds of a hybrid job: the time that it was given."""
    limit = job.params.get("time_limit")
    if not is_number(limit) or limit <= 0:
        raise InvalidJob("A hybrid problem needs a time_limit: seconds, more than 0.")
    return float(limit) * 1_000_000


def is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_reads(reads: Any, properties: dict[str, Any]) -> None:
    fewest, most = properties.get("num_reads_range", (1, 10_000))
    if isinstance(reads, bool) or not isinstance(reads, int) or not fewest <= reads <= most:
        raise InvalidJob(f"num_reads must be a whole number from {fewest} to {most}.")


def check_time(name: str, value: Any) -> None:
    if not is_number(value) or value < 0:
        raise InvalidJob(f"{name} must be a number of microseconds, 0 or more.")


def check_switch(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise InvalidJob(f"{name} must be true or false.")


def is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value))


def check_schedule(schedule: Any) -> None:
    if not isinstance(schedule, list) or not schedule or not all(map(is_pair, schedule)):
        raise InvalidJob("anneal_schedule must be a list of pairs of numbers: microseconds and s.")
    times = [time for time, _ in schedule]
    if times[0] < 0 or times != sorted(times):
        raise InvalidJob("The times of anneal_schedule must not be negative, nor go back.")
