"""What the portal solves models with: provider -> solver. What is not here is not offered."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty

from . import parameters
from .errors import NotOffered


@dataclass(frozen=True)
class Solver:
    """A solver by the name that the SDK has for it."""

    provider: str
    name: str
    title: str
    description: str
    parameters: type[parameters.Parameters]
    problem_type: str = ""  # SAPI's word, of those that run at D-Wave

    @property
    def needs_token(self) -> bool:
        return bool(self.problem_type)

    def check(self, given: dict[str, Any]) -> dict[str, Any]:
        """The parameters, checked and without those that are not set; ValidationError says what is wrong."""
        serializer = self.parameters(data=given)
        if not serializer.is_valid():
            raise ValidationError({"parameters": serializer.errors})
        return dict(serializer.validated_data)

    def describe_parameters(self) -> dict[str, dict[str, Any]]:
        """By name: the type, the bounds and the default of each parameter."""
        return {name: dict(described(field)) for name, field in self.parameters().fields.items()}


def described(field: Any) -> Iterator[tuple[str, Any]]:
    yield "type", type(field).__name__.removesuffix("Field").lower()
    if field.default is not empty:
        yield "default", field.default
    for name, value in (("minimum", "min_value"), ("maximum", "max_value"), ("description", "help_text")):
        if getattr(field, value, None) is not None:
            yield name, getattr(field, value)
    if hasattr(field, "choices"):
        yield "choices", list(field.choices)


FREE = "Runs on the portal's own machines and costs no QPU time."

HYBRID = "D-Wave's hybrid solver, paid with a share of its time limit from the access time of a token."

SOLVERS: dict[str, dict[str, Solver]] = {
    "dwave": {
        solver.name: solver
        for solver in (
            Solver(
                "dwave",
                "QA",
                "Quantum Annealing",
                "Quantum annealing on a D-Wave QPU, paid with the access time of a token.",
                parameters.QuantumAnnealing,
                problem_type="ising",
            ),
            Solver(
                "dwave",
                "LBQM",
                "Leap Hybrid BQM",
                f"{HYBRID} Constraints become penalties.",
                parameters.LeapHybridBqm,
                problem_type="bqm",
            ),
            Solver(
                "dwave",
                "LCQM",
                "Leap Hybrid CQM",
                f"{HYBRID} Takes constraints, integers and real numbers as they are.",
                parameters.LeapHybridCqm,
                problem_type="cqm",
            ),
            Solver("dwave", "SA", "Simulated Annealing", FREE, parameters.SimulatedAnnealing),
            Solver("dwave", "TS", "Tabu Search", FREE, parameters.TabuSearch),
            Solver("dwave", "PT", "Parallel Tempering", FREE, parameters.ParallelTempering),
        )
    }
}


def find_solver(provider: str, name: str) -> Solver:
    """The solver of these names; NotOffered tells which there are."""
    try:
        return SOLVERS[provider][name]
    except KeyError:
        offered = "; ".join(f"{provider}: {', '.join(solvers)}" for provider, solvers in SOLVERS.items())
        raise NotOffered(f"This portal does not offer this solver. It offers {offered}.") from None
