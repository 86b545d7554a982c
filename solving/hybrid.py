"""Time limits of D-Wave's hybrid solvers: what a model needs at least, and what it may have at most."""

import math
from dataclasses import dataclass
from typing import Any

import numpy
from django.core.exceptions import ValidationError


@dataclass(frozen=True)
class Size:
    """How large a model is as a hybrid solver gets it."""

    variables: int
    constraints: int
    biases: int


SMALLEST = Size(1, 0, 0)


def time_limit(properties: dict[str, Any], wish: float | None, size: Size) -> float:
    """Seconds that a model of this size gets: those wished for, or the least; ValidationError if the wish is neither
    that much nor possible.
    """
    try:
        least, most = shortest(properties, size), float(properties["maximum_time_limit_hrs"]) * 3600
    except (KeyError, TypeError, ValueError):
        raise ValidationError("This solver does not tell which time limits it takes.", code="qpu_backend") from None
    if wish is None:
        return least
    if not least <= wish <= most:
        enough = math.ceil(least * 100) / 100  # a number that one would write
        raise ValidationError(f"For this model time_limit must be {enough:g} to {most:g} seconds.", code="time_limit")
    return wish


def shortest(properties: dict[str, Any], size: Size) -> float:
    """As Ocean's own LeapHybridSampler and LeapHybridCQMSampler reckon."""
    if "minimum_time_limit" in properties:
        counts, seconds = zip(*properties["minimum_time_limit"], strict=True)
        return float(numpy.interp(size.variables, counts, seconds))
    reckoned: float = (
        properties["num_variables_multiplier"] * size.variables
        + properties["num_biases_multiplier"] * size.biases
        + properties["num_constraints_multiplier"] * size.variables * size.constraints
    )
    return max(float(properties["minimum_time_limit_s"]), reckoned)
