"""Whether a solver accepts a job's parameters. What is wrong is said in a ValueError."""

from typing import Any

from .solvers import Solver
from .timing import access_time, is_reverse

ANSWER_MODES = ("histogram", "raw")


def check_qpu(solver: Solver, params: dict[str, Any], num_qubits: int) -> None:
    """Refuse what a QPU refuses: unknown names, values out of range, contradictions, runs that take too long."""
    ranges = solver.properties
    _check_names(solver, params)
    _check_number(params, "num_reads", ranges["num_reads_range"], integer=True)
    fast = params.get("fast_anneal")
    _check_number(params, "annealing_time", ranges["fast_anneal_time_range" if fast else "annealing_time_range"])
    _check_number(params, "programming_thermalization", ranges["programming_thermalization_range"])
    _check_number(params, "readout_thermalization", ranges["readout_thermalization_range"])
    if (params.get("answer_mode") or "histogram") not in ANSWER_MODES:
        raise ValueError(f"answer_mode must be one of {', '.join(ANSWER_MODES)}")
    _check_schedule(params, ranges["max_anneal_schedule_points"])
    longest = ranges["problem_run_duration_range"][1]
    duration = access_time(ranges["problem_timing_data"], num_qubits, params).total
    if duration > longest:
        raise ValueError(f"The problem would run for {duration:.0f} us, more than the solver's limit of {longest:.0f}")


def check_hybrid(solver: Solver, params: dict[str, Any]) -> float:
    """Refuse what a hybrid solver refuses; the time limit in seconds, which is the solver's shortest if not given."""
    _check_names(solver, params)
    shortest = _shortest_time_limit(solver.properties)
    limit = params.get("time_limit", shortest)
    _check_number({"time_limit": limit}, "time_limit", [0, solver.properties["maximum_time_limit_hrs"] * 3600])
    if limit < shortest:
        raise ValueError(f"Attempting to run a problem for less than the allowed minimum time_limit {shortest} s")
    return float(limit)


def _shortest_time_limit(properties: dict[str, Any]) -> float:
    """Seconds for the smallest problem; what each problem needs is for the client to know, who has it."""
    if "minimum_time_limit_s" in properties:
        return float(properties["minimum_time_limit_s"])
    return float(properties.get("minimum_time_limit", [[1, 1.0]])[0][1])


def _check_names(solver: Solver, params: dict[str, Any]) -> None:
    for name in params:
        if name not in solver.properties["parameters"] and not name.startswith("x_"):
            raise ValueError(f"Unknown parameter {name}")


def _check_number(params: dict[str, Any], name: str, limits: list[float], *, integer: bool = False) -> None:
    value = params.get(name)
    if value is None:
        return
    lowest, highest = limits
    is_number = isinstance(value, int if integer else (int, float)) and not isinstance(value, bool)
    if not is_number or not lowest <= value <= highest:
        kind = "an integer" if integer else "a number"
        raise ValueError(f"{name} must be {kind} in the range [{lowest}, {highest}]")


def _check_schedule(params: dict[str, Any], longest: int) -> None:
    schedule = params.get("anneal_schedule")
    if schedule is None:
        return
    if not (isinstance(schedule, list) and 2 <= len(schedule) <= longest and all(map(_is_point, schedule))):
        raise ValueError(f"anneal_schedule must be a list of 2 to {longest} pairs of numbers")
    times = [time for time, _ in schedule]
    if times[0] != 0 or times != sorted(set(times)):
        raise ValueError("the times of an anneal_schedule begin with 0 and increase")
    if params.get("annealing_time") is not None:
        raise ValueError("annealing_time and anneal_schedule exclude each other")
    if is_reverse(schedule) and not params.get("initial_state"):
        raise ValueError("reverse annealing needs an initial_state")


def _is_point(point: object) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(isinstance(value, int | float) for value in point)
