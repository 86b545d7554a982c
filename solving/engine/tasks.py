"""What the engine can be asked to do: each task takes bytes and plain values, and gives plain values and bytes."""

import time
from collections.abc import Callable
from typing import Any

import dimod
from luna_model import Timing

from . import qpu
from .constrained import ConstrainedProblem
from .errors import Refused
from .models import Problem, summary
from .samplers import SAMPLERS

Outcome = tuple[dict[str, Any], bytes]
AnyProblem = Problem | ConstrainedProblem

HYBRID: dict[str, type[AnyProblem]] = {"bqm": Problem, "cqm": ConstrainedProblem}


def sample(model: bytes, *, solver: str, parameters: dict[str, Any], timing: bool = True) -> Outcome:
    """Solve a model here, with one of the samplers."""
    problem = Problem.read(model)
    began = time.perf_counter()
    samples = SAMPLERS[solver](problem.bqm, parameters)
    return solved(problem, samples, time.perf_counter() - began, timing)


def embed(model: bytes, *, chip: dict[str, Any], parameters: dict[str, Any]) -> Outcome:
    """What to send to a QPU for a model, and the embedding by which its answer is to be read."""
    problem = Problem.read(model)
    return {"facts": problem.facts, **qpu.embedded(problem.bqm, chip, parameters)}, b""


def unembed(
    model: bytes, *, chains: dict[str, list[int]], answer: dict[str, Any], seconds: float | None, timing: bool
) -> Outcome:
    """The solution of a model that a QPU has answered."""
    problem = Problem.read(model)
    return solved(problem, qpu.unembedded(problem.bqm, chains, answer), seconds, timing)


def formulate(model: bytes, *, kind: str, parameters: dict[str, Any]) -> Outcome:
    """A model in the file that a hybrid solver for this kind of models reads, and how large it is."""
    problem = HYBRID[kind].read(model)
    if isinstance(problem, ConstrainedProblem):
        problem.require_two_values(parameters.get("spin_variables", []))
    return {"facts": problem.facts, "size": problem.size}, problem.as_file()


def interpret(model: bytes, *, kind: str, answer: dict[str, Any], seconds: float | None, timing: bool) -> Outcome:
    """The solution of a model that a hybrid solver has answered."""
    try:
        samples = dimod.SampleSet.from_serializable(answer["data"])
    except (KeyError, TypeError, ValueError):
        raise Refused("D-Wave's answer could not be read.") from None
    return solved(HYBRID[kind].read(model), samples, seconds, timing)


def solved(problem: AnyProblem, samples: dimod.SampleSet, seconds: float | None, timing: bool) -> Outcome:
    """What is told of a solution, and the solution; with the time that it took, if known, if `timing` asks for it."""
    solution = problem.solution(samples)
    if timing and seconds is not None:
        solution.runtime = Timing.from_dict({"qpu": seconds}, total=seconds)
    words = {"facts": problem.facts, "summary": summary(problem.model, solution), "seconds": seconds}
    return words, solution.serialize()


TASKS: dict[str, Callable[..., Outcome]] = {
    "sample": sample,
    "embed": embed,
    "unembed": unembed,
    "formulate": formulate,
    "interpret": interpret,
}
