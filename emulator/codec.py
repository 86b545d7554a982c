"""SAPI's `qp` format: quadratic problems and their answers as base64 of little-endian arrays."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class WorkingGraph:
    """What a QPU offers, in the order in which biases are sent."""

    qubits: Integers
    couplers: Integers  # pairs of positions in `qubits`, one row per coupler

    @classmethod
    def of(cls, properties: dict[str, Any]) -> "WorkingGraph":
        """The graph in a solver's properties."""
        qubits = np.asarray(properties["qubits"], dtype=np.int64)
        couplers = np.asarray(properties["couplers"], dtype=np.int64).reshape(-1, 2)
        return cls(qubits, np.searchsorted(qubits, couplers))

    def are_active(self, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which couplers have both ends among the active qubits."""
        return active[self.couplers[:, 0]] & active[self.couplers[:, 1]]


@dataclass(frozen=True)
class QuadraticProblem:
    """Biases of the active qubits and of the couplers between them."""

    qubits: Integers  # numbers of the active qubits
    linear: Floats  # one per active qubit
    ends: Integers  # pairs of positions in `qubits`, one row per active coupler
    quadratic: Floats  # one per active coupler

    @property
    def is_flat(self) -> bool:
        """Whether all states have the same energy."""
        return not (self.linear.any() or self.quadratic.any())


def encode_problem(
    graph: WorkingGraph, linear: dict[int, float], quadratic: dict[tuple[int, int], float]
) -> dict[str, Any]:
    """The `data` of a job; qubits are active when they have a bias or a coupling."""
    active = linear.keys() | {qubit for pair in quadratic for qubit in pair}
    lin = [linear.get(qubit, 0.0) if qubit in active else np.nan for qubit in graph.qubits.tolist()]
    pairs = graph.qubits[graph.couplers[graph.are_active(~np.isnan(lin))]].tolist()
    quad = [quadratic.get((u, v), 0.0) + quadratic.get((v, u), 0.0) for u, v in pairs]
    return {"format": "qp", "lin": _encode(lin, "<f8"), "quad": _encode(quad, "<f8"), "offset": 0.0}


def decode_problem(graph: WorkingGraph, data: dict[str, Any]) -> QuadraticProblem:
    """The problem in a job's `data`; ValueError says what is wrong with it."""
    lin = _decode(data.get("lin"), "lin")
    if len(lin) != len(graph.qubits):
        raise ValueError(f"lin has {len(lin)} values, the solver has {len(graph.qubits)} qubits")
    active = ~np.isnan(lin)
    if not active.any():
        raise ValueError("the problem has no active qubit")
    active_couplers = graph.are_active(active)
    quad = _decode(data.get("quad"), "quad")
    if len(quad) != active_couplers.sum():
        raise ValueError(f"quad has {len(quad)} values, the problem has {active_couplers.sum()} active couplers")
    if not (np.isfinite(lin[active]).all() and np.isfinite(quad).all()):
        raise ValueError("biases must be finite")
    position = np.cumsum(active) - 1
    return QuadraticProblem(graph.qubits[active], lin[active], position[graph.couplers[active_couplers]], quad)


def encode_answer(
    *, num_variables: int, qubits: Integers, rows: Rows, energies: Floats, occurrences: Integers | None
) -> dict[str, Any]:
    """An answer without its timing. `rows` hold one bit per active qubit, True for up; None for raw answers."""
    answer = {
        "format": "qp",
        "num_variables": num_variables,
        "active_variables": _encode(qubits, "<i4"),
        "solutions": base64.b64encode(np.packbits(rows, axis=1).tobytes()).decode(),
        "energies": _encode(energies, "<f8"),
    }
    if occurrences is not None:
        answer["num_occurrences"] = _encode(occurrences, "<i4")
    return answer


def _encode(values: Any, dtype: str) -> str:
    return base64.b64encode(np.asarray(values, dtype=dtype).tobytes()).decode()


def _decode(text: object, name: str) -> Floats:
    if not isinstance(text, str):
        raise ValueError(f"{name} is missing")
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8")
    except (binascii.Error, ValueError):
        raise ValueError(f"{name} is not base64 of doubles") from None
