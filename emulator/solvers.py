"""The solvers on offer: two QPUs and three hybrid solvers, with the properties that D-Wave's have.

Properties come from Ocean's own mocks, mended where those are broken.
"""

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from dwave.cloud.testing import mocks
from dwave.system.testing import MockDWaveSampler, qpu_graph

from .codec import WorkingGraph

Properties = dict[str, Any]


@dataclass(frozen=True)
class Solver:
    """One solver. `slots` is how many jobs it runs side by side; hybrid solvers have no graph."""

    name: str
    description: str
    properties: Properties
    slots: int
    graph_id: str | None = None

    @property
    def identity(self) -> dict[str, Any]:
        version = {"version": {"graph_id": self.graph_id}} if self.graph_id else {}
        return {"name": self.name, **version}

    @property
    def problem_types(self) -> list[str]:
        types: list[str] = self.properties["supported_problem_types"]
        return types

    @cached_property
    def graph(self) -> WorkingGraph:
        return WorkingGraph.of(self.properties)


def catalogue(*, full_size: bool = False) -> dict[str, Solver]:
    """All solvers by name. A small chip is enough to embed into; the full size is that of D-Wave's own."""
    solvers = [
        _qpu("Advantage_emulator1.1", "pegasus", [16] if full_size else [6]),
        _qpu("Advantage2_emulator1.1", "zephyr", [12, 4] if full_size else [4, 4]),
        _hybrid(mocks.hybrid_bqm_solver_data(name="hybrid_binary_quadratic_model_emulator1", version="2.2")),
        _hybrid(mocks.hybrid_cqm_solver_data(name="hybrid_constrained_quadratic_model_emulator1", version="1.13")),
        _hybrid(mocks.hybrid_nl_solver_data(name="hybrid_nonlinear_program_emulator1", version="1.0")),
    ]
    return {solver.name: solver for solver in solvers}


def _qpu(name: str, topology: str, shape: list[int]) -> Solver:
    qubits = sorted(qpu_graph(topology, shape, None, None).nodes)
    broken = random.Random(name).sample(qubits, len(qubits) // 100)  # noqa: S311  no chip is whole
    properties = _mended(
        MockDWaveSampler(topology_type=topology, topology_shape=shape, broken_nodes=broken).properties
    ) | {"chip_id": name}
    graph = orjson.dumps([properties["qubits"], properties["couplers"]])
    graph_id = hashlib.sha256(graph).hexdigest()[:10]
    return Solver(name, f"An emulated {topology.title()} QPU", properties, slots=1, graph_id=graph_id)


def _mended(properties: Properties) -> Properties:
    """The mock's properties without its mistakes: a lost comma, no timing data, offsets for the wrong qubits."""
    reinitialize = "Reapplication of the initial_state for every read in reverse annealing, as a boolean flag."
    fast_anneal = "Activation of the fast-anneal protocol, as a boolean flag."
    lost_comma = "annealing, as a boolean flag.fast_anneal"
    parameters = {name: text for name, text in properties["parameters"].items() if name != lost_comma}
    working = set(properties["qubits"])
    offsets = [[-0.5, 0.5] if qubit in working else [0.0, 0.0] for qubit in range(properties["num_qubits"])]
    return properties | {
        "parameters": parameters | {"reinitialize_state": reinitialize, "fast_anneal": fast_anneal},
        "problem_timing_data": mocks.qpu_problem_timing_data("advantage"),
        "anneal_offset_ranges": offsets,
    }


def _hybrid(data: dict[str, Any]) -> Solver:
    return Solver(data["identity"]["name"], "An emulated hybrid solver", data["properties"], slots=4)


# --- What is shown of them --------------------------------------------------------------------------------------------


def select_fields(entry: dict[str, Any], expression: str) -> dict[str, Any]:
    """Apply a filter, `all|none,+field,-field.sub`, from left to right; unknown fields are ignored."""
    start, *steps = expression.split(",")
    if start not in ("all", "none") or not all(step[:1] in ("+", "-") for step in steps):
        raise ValueError(f"Invalid filter: {expression}")
    selected = entry if start == "all" else {}
    for step in steps:
        path = step[1:].split(".")
        selected = _with(selected, entry, path) if step[0] == "+" else _without(selected, path)
    return selected


def _with(selected: dict[str, Any], source: dict[str, Any], path: list[str]) -> dict[str, Any]:
    first, *rest = path
    if first not in source:
        return selected
    if not rest:
        return selected | {first: source[first]}
    if not isinstance(source[first], dict):
        return selected
    below = _with(selected.get(first, {}), source[first], rest)
    return selected | {first: below} if below else selected


def _without(selected: dict[str, Any], path: list[str]) -> dict[str, Any]:
    first, *rest = path
    if first not in selected:
        return selected
    if not rest:
        return {field: value for field, value in selected.items() if field != first}
    if not isinstance(selected[first], dict):
        return selected
    return selected | {first: _without(selected[first], rest)}
