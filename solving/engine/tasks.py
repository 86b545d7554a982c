"""What the engine can be asked to do: each task takes bytes and plain values, and gives plain values and bytes."""

import time
from collections.abc import Callable
from typing import Any

import dimod

from . import qpu
from .models import Problem, summary
from .samplers import SAMPLERS

Outcome = tuple[dict[str, Any], bytes]


def sample(model: bytes, *, solver: str, parameters: dict[str, Any]) -> Outcome:
    """Solve a model here, with one of the samplers."""
    problem = Problem.read(model)
    began = time.perf_counter()
    samples = SAMPLERS[solver](problem.bqm, parameters)
    return solved(problem, samples, time.perf_counter() - began)


def embed(model: bytes, *, chip: dict[str, Any], parameters: dict[str, Any]) -> Outcome:
    """What to send to a QPU for a model, and the embedding by which its answer is to be read."""
    problem = Problem.read(model)
    return {"facts": problem.facts, **qpu.embedded(problem.bqm, chip, parameters)}, b""


def unembed(model: bytes, *, chains: dict[str, list[int]], answer: dict[str, Any], seconds: float) -> Outcome:
    """The solution of a model that a QPU has answered."""
    problem = Problem.read(model)
    return solved(problem, qpu.unembedded(problem.bqm, chains, answer), seconds)


def solved(problem: Problem, samples: dimod.SampleSet, seconds: float) -> Outcome:
    solution = problem.solution(samples, seconds=seconds)
    words = {"facts": problem.facts, "summary": summary(problem.model, solution), "seconds": seconds}
    return words, solution.serialize()


TASKS: dict[str, Callable[..., Outcome]] = {"sample": sample, "embed": embed, "unembed": unembed}
