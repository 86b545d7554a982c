"""Solvers that run here, and cost nothing."""

from collections.abc import Callable
from typing import Any

import dimod
from dwave.samplers import SimulatedAnnealingSampler, TabuSampler

from .errors import Refused
from .tempering import parallel_tempering

Parameters = dict[str, Any]
Sampler = Callable[[dimod.BinaryQuadraticModel, Parameters], dimod.SampleSet]


def simulated_annealing(bqm: dimod.BinaryQuadraticModel, parameters: Parameters) -> dimod.SampleSet:
    if parameters.get("beta_schedule"):
        parameters = parameters | {"beta_schedule_type": "custom", "num_sweeps": None}
    return run(SimulatedAnnealingSampler(), bqm, parameters)


def tabu_search(bqm: dimod.BinaryQuadraticModel, parameters: Parameters) -> dimod.SampleSet:
    return run(TabuSampler(), bqm, parameters)


def run(sampler: Any, bqm: dimod.BinaryQuadraticModel, parameters: Parameters) -> dimod.SampleSet:
    """Sample; what the sampler finds wrong with its parameters is for the user."""
    try:
        return sampler.sample(bqm, **parameters)
    except ValueError as error:
        raise Refused(f"The solver refuses these parameters: {error}") from None


SAMPLERS: dict[str, Sampler] = {"SA": simulated_annealing, "TS": tabu_search, "PT": parallel_tempering}
