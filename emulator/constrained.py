"""Constrained quadratic models: good states, and feasible ones if they are found. Pure functions, run in a thread."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dimod
import numpy as np

from .codec import Floats, Integers
from .sampling import anneal

STATES = 50  # that are annealed side by side, and answered
# Products that one job may take, some tenths of a second; then there are fewer steps, but never less than a few.
BUDGET = 200_000_000
STEPS = (50, 3_000)
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
    states = _annealed_with_penalties(cqm, rng)
    if states is None:
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


def _annealed_with_penalties(cqm: Any, rng: np.random.Generator) -> Floats | None:
    """States to begin with, from the annealer for quadratic models; None if it cannot take this one."""
    if any(cqm.vartype(name) not in (dimod.BINARY, dimod.INTEGER) for name in cqm.variables):
        return None  # dimod makes no binary ones of spins here, nor of real numbers
    try:
        bqm, back = dimod.cqm_to_bqm(cqm)
    except ValueError:  # integers that do not begin at 0, or products in constraints
        return None
    ups, _ = anneal(bqm, STATES, int(rng.integers(2**31)))
    values = [back(dict(zip(bqm.variables, row.astype(int).tolist(), strict=True))) for row in ups]
    return np.array([[sample[name] for name in cqm.variables] for sample in values], dtype=np.float64)


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
    """An expression of the model, in the positions of its variables. Its products are in a matrix of those in them."""

    offset: float
    at: Integers
    linear: Floats
    multiplied: Integers
    products: Floats

    @classmethod
    def of(cls, expression: Any, positions: dict[object, int]) -> "_Quadratic":
        pairs = np.array([[positions[u], positions[v]] for u, v in expression.quadratic], dtype=np.int64).reshape(-1, 2)
        multiplied = np.unique(pairs)
        products = np.zeros((len(multiplied), len(multiplied)))
        rows, columns = np.searchsorted(multiplied, pairs).T
        products[rows, columns] = list(expression.quadratic.values())
        return cls(
            float(expression.offset),
            np.array([positions[name] for name in expression.linear], dtype=np.int64),
            np.array(list(expression.linear.values()), dtype=np.float64),
            multiplied,
            products,
        )

    @property
    def size(self) -> int:
        return self.linear.size + self.products.size

    @property
    def smallest(self) -> float:
        """The smallest bias that is none; infinite if there is none at all."""
        biases = np.abs(np.concatenate([self.linear, self.products.ravel()]))
        return float(biases[biases > 0].min(initial=np.inf))

    def values(self, states: Floats) -> Floats:
        factors = states[:, self.multiplied]
        value: Floats = (
            self.offset + states[:, self.at] @ self.linear + ((factors @ self.products) * factors).sum(axis=1)
        )
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
    reach, products = np.zeros(count), np.abs(objective.products)
    reach[objective.at] += np.abs(objective.linear)
    reach[objective.multiplied] += products.sum(axis=0) + products.sum(axis=1)
    return float(reach.max(initial=0.0))


def _rules(constraints: Iterable[Any], positions: dict[object, int], scale: float) -> Iterator[_Rule]:
    for constraint in constraints:
        left = _Quadratic.of(constraint.lhs, positions)
        weight = constraint.lhs.weight() if constraint.lhs.is_soft() else scale / min(1.0, left.smallest)
        yield _Rule(left, constraint.sense.value, constraint.rhs, weight)
