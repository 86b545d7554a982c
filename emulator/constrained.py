"""Constrained quadratic models: good states, and feasible ones if they are found. Pure functions, run in a thread."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dimod
import numpy as np

from .codec import Floats, Integers

STATES = 50  # that are annealed side by side, and answered
# Terms that one job may look at, some tenths of a second; then there are fewer steps, but never less than a few.
BUDGET = 50_000_000
STEPS = (200, 3_000)
HOT, COLD = 1.0, 1e-4  # shares of what a change can cost, which it still accepts


def sample_cqm(uploaded: bytes, *, info: dict[str, int], seed: int) -> dict[str, Any]:
    """States of an uploaded constrained quadratic model, as a serialized sample set with this `info`."""
    cqm = dimod.ConstrainedQuadraticModel.from_file(uploaded)
    states = _anneal(cqm, np.random.default_rng(seed))
    samples: Any = dimod.SampleSet
    samples = samples.from_samples_cqm((states, list(cqm.variables)), cqm)
    samples.info.update(info)
    serialized: dict[str, Any] = samples.to_serializable(use_bytes=False)
    return serialized


def _anneal(cqm: Any, rng: np.random.Generator) -> Floats:
    """A row for each state. One or two variables change at a time; to break a constraint costs more than it gains."""
    domains, landscape = [_Domain.of(cqm, name) for name in cqm.variables], _Landscape.of(cqm)
    states = np.column_stack([domain.draw(rng, STATES) for domain in domains])
    costs = landscape.costs(states)
    best, least = states.copy(), costs.copy()
    for temperature in landscape.scale * np.geomspace(HOT, COLD, _steps(landscape)):
        changed = _change(states, domains, rng)
        new_costs = landscape.costs(changed)
        chance = np.exp(np.minimum(0.0, (costs - new_costs) / temperature))
        accepted = rng.random(STATES) < chance
        states[accepted], costs[accepted] = changed[accepted], new_costs[accepted]
        better = costs < least
        best[better], least[better] = states[better], costs[better]
    return best


def _steps(landscape: "_Landscape") -> int:
    fewest, most = STEPS
    return max(fewest, min(most, BUDGET // (STATES * max(1, landscape.size))))


def _change(states: Floats, domains: list["_Domain"], rng: np.random.Generator) -> Floats:
    changed = states.copy()
    for index in rng.integers(len(domains), size=rng.integers(1, 3)):
        changed[:, index] = domains[index].move(states[:, index], rng)
    return changed


@dataclass(frozen=True)
class _Domain:
    """The values of one variable."""

    kind: dimod.Vartype
    lowest: float
    highest: float

    @classmethod
    def of(cls, cqm: Any, name: object) -> "_Domain":
        kind = cqm.vartype(name)
        lowest = -1.0 if kind is dimod.SPIN else cqm.lower_bound(name)
        return cls(kind, lowest, cqm.upper_bound(name))

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Values near zero, as there may be no bounds."""
        middle = min(max(0.0, self.lowest), self.highest)
        return self._fit(rng.uniform(max(self.lowest, middle - 50), min(self.highest, middle + 50), count))

    def move(self, values: Floats, rng: np.random.Generator) -> Floats:
        """Other values, most of them near."""
        if self.kind in (dimod.BINARY, dimod.SPIN):
            return self.lowest + self.highest - values
        widths = 10 ** rng.uniform(-2, np.log10(max(10.0, min(self.highest - self.lowest, 1e6))), len(values))
        steps = widths * rng.choice([-1.0, 1.0], len(values))
        if self.kind is dimod.INTEGER:
            steps = np.sign(steps) * np.ceil(np.abs(steps))
        return self._fit(values + steps)

    def _fit(self, values: Floats) -> Floats:
        if self.kind is dimod.REAL:
            return np.clip(values, self.lowest, self.highest)
        if self.kind is dimod.INTEGER:
            return np.clip(np.round(values), np.ceil(self.lowest), np.floor(self.highest))
        return np.where(values > (self.lowest + self.highest) / 2, self.highest, self.lowest)


@dataclass(frozen=True)
class _Quadratic:
    """An expression of the model, in the positions of its variables."""

    offset: float
    at: Integers
    linear: Floats
    pairs: Integers
    quadratic: Floats

    @classmethod
    def of(cls, expression: Any, positions: dict[object, int]) -> "_Quadratic":
        pairs = [[positions[u], positions[v]] for u, v in expression.quadratic]
        return cls(
            float(expression.offset),
            np.array([positions[name] for name in expression.linear], dtype=np.int64),
            np.array(list(expression.linear.values()), dtype=np.float64),
            np.array(pairs, dtype=np.int64).reshape(-1, 2),
            np.array(list(expression.quadratic.values()), dtype=np.float64),
        )

    @property
    def size(self) -> int:
        return len(self.linear) + len(self.quadratic)

    @property
    def biases(self) -> Floats:
        biases: Floats = np.abs(np.concatenate([self.linear, self.quadratic]))
        return biases[biases > 0]

    def values(self, states: Floats) -> Floats:
        u, v = self.pairs.T
        value: Floats = self.offset + states[:, self.at] @ self.linear + (states[:, u] * states[:, v]) @ self.quadratic
        return value


@dataclass(frozen=True)
class _Rule:
    """A constraint, and what it costs to break it by one."""

    left: _Quadratic
    sense: str
    right: float
    weight: float

    def costs(self, states: Floats) -> Floats:
        excess = self.left.values(states) - self.right
        if self.sense == "==":
            return self.weight * np.abs(excess)
        return self.weight * np.maximum(0.0, excess if self.sense == "<=" else -excess)


@dataclass(frozen=True)
class _Landscape:
    """What states cost: the objective, and more for each constraint that they break."""

    objective: _Quadratic
    rules: list[_Rule]
    scale: float

    @classmethod
    def of(cls, cqm: Any) -> "_Landscape":
        positions = {name: position for position, name in enumerate(cqm.variables)}
        objective = _Quadratic.of(cqm.objective, positions)
        scale = 2 * _steepest(objective, len(positions)) or 1.0
        return cls(objective, list(_rules(cqm.constraints.values(), positions, scale)), scale)

    @property
    def size(self) -> int:
        return self.objective.size + sum(rule.left.size for rule in self.rules)

    def costs(self, states: Floats) -> Floats:
        costs = self.objective.values(states)
        for rule in self.rules:
            costs += rule.costs(states)
        return costs


def _steepest(objective: _Quadratic, count: int) -> float:
    """How much the objective may change with one variable by one: the most that all its terms can do."""
    reach = np.zeros(count)
    np.add.at(reach, objective.at, np.abs(objective.linear))
    np.add.at(reach, objective.pairs.ravel(), np.abs(objective.quadratic).repeat(2))
    return float(reach.max(initial=0.0))


def _rules(constraints: Iterable[Any], positions: dict[object, int], scale: float) -> Iterator[_Rule]:
    for constraint in constraints:
        left = _Quadratic.of(constraint.lhs, positions)
        smallest = float(left.biases.min(initial=np.inf))
        weight = constraint.lhs.weight() if constraint.lhs.is_soft() else scale / (smallest if smallest < 1 else 1.0)
        yield _Rule(left, constraint.sense.value, constraint.rhs, weight)
