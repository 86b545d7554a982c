"""A problem as a program submits it, checked as far as the gateway needs to understand it. Anybody may have sent it."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy

from .wire import is_plain

QUBIT_TYPES = frozenset({"ising", "qubo"})
HYBRID_TYPES = frozenset({"bqm", "cqm", "dqm", "nl", "qcdl"})
MAX_LABEL = 1024  # D-Wave's limit
LABEL_CHARSET = "cp1252"  # D-Wave's too


class InvalidJob(Exception):
    """The job is refused before it costs anything; the message is for the sender."""


@dataclass(frozen=True)
class Job:
    """One problem of a submission. `body` is all of it, as it came."""

    type: str
    solver: str
    params: dict[str, Any]
    data: dict[str, Any]
    label: str
    body: dict[str, Any]

    @classmethod
    def parse(cls, body: Any) -> "Job":
        if not isinstance(body, dict):
            raise InvalidJob("A problem is a JSON object.")
        type_, params, data = body.get("type"), body.get("params", {}), body.get("data")
        if not isinstance(type_, str) or type_ not in QUBIT_TYPES | HYBRID_TYPES:
            raise InvalidJob("The type of the problem is not known.")
        if not isinstance(params, dict) or not isinstance(data, dict):
            raise InvalidJob("`params` and `data` of a problem are JSON objects.")
        return cls(type_, solver_name(body.get("solver")), params, data, clean_label(body.get("label")), body)

    @property
    def is_hybrid(self) -> bool:
        return self.type in HYBRID_TYPES

    @property
    def graph_id(self) -> str | None:
        """For which state of the QPU the problem was made; hybrid solvers have none."""
        version = self.body["solver"].get("version")
        graph_id = version.get("graph_id") if isinstance(version, dict) else None
        return graph_id if is_plain(graph_id) else None

    @property
    def identity(self) -> dict[str, Any]:
        """The solver in SAPI's words, without what else the sender may have put there."""
        return {"name": self.solver, **({"version": {"graph_id": self.graph_id}} if self.graph_id else {})}

    @property
    def upload_id(self) -> str | None:
        """The uploaded data that the job refers to, if it does."""
        if self.data.get("format") != "ref":
            return None
        upload_id = self.data.get("data")
        if not isinstance(upload_id, str):
            raise InvalidJob("The problem refers to no uploaded data.")
        return upload_id

    def active_qubits(self, num_qubits: int) -> int:
        """How many of the QPU's `num_qubits` take part: those with a bias that is a number."""
        if self.data.get("format") != "qp":
            raise InvalidJob("The problem's data must be in the format qp.")
        try:
            biases = numpy.frombuffer(base64.b64decode(self.data["lin"], validate=True), "<f8")
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise InvalidJob("The linear biases could not be read.") from None
        if len(biases) != num_qubits:
            raise InvalidJob(f"The solver has {num_qubits} qubits, so the problem must have as many linear biases.")
        active = int(numpy.count_nonzero(~numpy.isnan(biases)))
        if not active:
            raise InvalidJob("The problem uses no qubit.")
        return active


def solver_name(solver: Any) -> str:
    name = solver.get("name") if isinstance(solver, dict) else None
    if not isinstance(name, str) or not name:
        raise InvalidJob("The problem names no solver.")
    return name


def clean_label(label: Any) -> str:
    if label is None:
        return ""
    if not isinstance(label, str) or len(label) > MAX_LABEL or "\0" in label:
        raise InvalidJob(f"A label is a text of at most {MAX_LABEL} characters.")
    try:
        label.encode(LABEL_CHARSET)
    except UnicodeEncodeError:
        raise InvalidJob("A label has characters of Windows-1252 only.") from None
    return label
