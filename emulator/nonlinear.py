"""Nonlinear models: a feasible state as good as some random ones. A pure function that runs in a thread."""

import io
from typing import Any

import numpy as np
from dwave.optimization.model import Model

TRIES = 50


def sample_nonlinear(uploaded: bytes, *, seed: int) -> bytes:
    """The states file that answers an uploaded nonlinear model: the best of some random states."""
    model = Model.from_file(io.BytesIO(uploaded))
    rng = np.random.default_rng(seed)
    with model.lock():
        model.states.resize(1 + TRIES)
        model.states.initialize()
        for index in range(1, len(model.states)):
            for decision in model.iter_decisions():
                _randomize(decision, index, rng)
        best = min(range(len(model.states)), key=lambda index: _merit(model, index))
        _keep(model, best)
        with model.states.to_file() as file:
            return file.read()


def _keep(model: Any, best: int) -> None:
    """Leave one state. Decisions made of several arrays (disjoint lists) have no state of their own: their default."""
    decisions = [decision for decision in model.iter_decisions() if hasattr(decision, "state")]
    states = [decision.state(best) for decision in decisions]
    model.states.resize(1)
    for decision, state in zip(decisions, states, strict=True):
        decision.set_state(0, state)


def _randomize(decision: Any, index: int, rng: np.random.Generator) -> None:
    kind = type(decision).__name__
    if kind == "ListVariable":
        decision.set_state(index, rng.permutation(decision.state(index)))
    elif kind in ("BinaryVariable", "IntegerVariable"):
        lowest, highest = decision.lower_bound(), decision.upper_bound()
        decision.set_state(index, rng.integers(lowest, highest, size=decision.shape(), endpoint=True))


def _merit(model: Any, index: int) -> tuple[bool, float]:
    return not model.feasible(index), float(model.objective.state(index))
