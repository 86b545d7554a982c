"""From a model to a constrained quadratic one, which keeps its constraints, integers and reals, and back."""

from dataclasses import dataclass
from typing import Any

import dimod
from luna_model import Comparator, Expression, Model, Sense, Solution, Variable, Vtype
from luna_model.errors import InternalPanicError, LunaModelError
from luna_model.translator import DwaveTranslator

from .errors import Refused
from .models import decoded, facts_of

KINDS: dict[Vtype, Any] = {
    Vtype.BINARY: dimod.BINARY,
    Vtype.SPIN: dimod.SPIN,
    Vtype.INTEGER: dimod.INTEGER,
    Vtype.REAL: dimod.REAL,
}
FURTHEST = {Vtype.INTEGER: 2.0**53 - 1, Vtype.REAL: 1e30}  # that dimod lets variables without bounds be
SENSES = {Comparator.LE: "<=", Comparator.GE: ">=", Comparator.EQ: "=="}


@dataclass(frozen=True)
class ConstrainedProblem:
    """A model as a constrained quadratic one, to be minimized, with binary variables in the place of spins."""

    model: Model
    cqm: dimod.ConstrainedQuadraticModel
    spins: list[str]

    @classmethod
    def read(cls, data: bytes) -> "ConstrainedProblem":
        """From the bytes that the SDK uploads; Refused if the model has what such models have not."""
        model = decoded(data)
        try:
            cqm = translated(model)
        except InternalPanicError:
            raise Refused("luna_model cannot translate this model.") from None
        except ValueError as error:  # bounds that no variable of this kind can have
            raise Refused(f"This model cannot be solved: {error}") from None
        spins = [name for name in cqm.variables if cqm.vartype(name) is dimod.SPIN]
        return cls(model, cqm.spin_to_binary(inplace=True), spins)

    @property
    def facts(self) -> dict[str, Any]:
        return facts_of(self.model)

    @property
    def size(self) -> dict[str, int]:
        counts = {"variables": len(self.cqm.variables), "constraints": len(self.cqm.constraints)}
        return counts | {"biases": self.cqm.num_biases()}

    def as_file(self) -> bytes:
        """As dimod writes it, for D-Wave's hybrid solvers."""
        with self.cqm.to_file() as file:
            return bytes(file.read())

    def require_two_values(self, names: list[str]) -> None:
        """Refuse to take anything for spins that is not binary, in one way or the other."""
        if not all(name in self.cqm.variables and self.cqm.vartype(name) is dimod.BINARY for name in names):
            raise Refused("spin_variables names what is no binary or spin variable of the model.")

    def solution(self, samples: dimod.SampleSet) -> Solution:
        """The samples as a solution of the model: in its own variables, evaluated."""
        columns, values = list(samples.variables), samples.record.sample.astype(float)
        for name in self.spins:
            values[:, columns.index(name)] = 2 * values[:, columns.index(name)] - 1
        counts, energies = samples.record.num_occurrences, samples.record.energy
        ours = dimod.SampleSet.from_samples((values, columns), dimod.REAL, energies, num_occurrences=counts)
        try:
            return self.model.evaluate(DwaveTranslator.to_lm(ours, env=self.model.environment))
        except LunaModelError as error:
            raise Refused(f"The samples could not be translated back: {str(error).strip()}") from None


def translated(model: Model) -> dimod.ConstrainedQuadraticModel:
    cqm = dimod.ConstrainedQuadraticModel()
    for variable in model.environment.variables():
        add_variable(cqm, variable)
    cqm.set_objective(terms(model.objective, sign=-1 if model.sense == Sense.MAX else 1))
    for name, constraint in model.constraints.items():
        left = terms(constraint.lhs)
        cqm.add_constraint_from_iterable(left, SENSES[constraint.comparator], constraint.rhs, label=name)
    return cqm


def add_variable(cqm: dimod.ConstrainedQuadraticModel, variable: Variable) -> None:
    if variable.vtype not in KINDS:
        raise Refused("This model cannot be solved: it has variables that are not binary, spin, integer or real.")
    if variable.vtype not in FURTHEST:
        cqm.add_variable(KINDS[variable.vtype], variable.name)
        return
    bounds, furthest = variable.bounds, FURTHEST[variable.vtype]
    cqm.add_variable(
        KINDS[variable.vtype],
        variable.name,
        lower_bound=bounds.lower if isinstance(bounds.lower, float) else -furthest,
        upper_bound=bounds.upper if isinstance(bounds.upper, float) else furthest,
    )


def terms(expression: Expression, sign: int = 1) -> list[tuple[Any, ...]]:
    """What an expression adds up, as dimod takes it."""
    if expression.has_higher_order():
        raise Refused("This model cannot be solved: it is not linear or quadratic.")
    return [
        (sign * expression.get_offset(),),
        *((variable.name, sign * bias) for variable, bias in expression.linear_items()),
        *((one.name, other.name, sign * bias) for one, other, bias in expression.quadratic_items()),
    ]
