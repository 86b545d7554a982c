"""A job as it is submitted: read, checked and ready to run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import parameters
from .codec import QuadraticProblem, decode_problem
from .errors import NO_SUCH_SOLVER, SapiError
from .solvers import Solver

LABEL_LENGTH = 1024


@dataclass(frozen=True)
class Job:
    """What to run. A QPU's has a `problem`, a hybrid solver's has `uploaded` data and a `time_limit` in seconds."""

    solver: Solver
    type: str
    params: dict[str, Any]
    label: str | None
    data: dict[str, Any]
    problem: QuadraticProblem | None = None
    uploaded: bytes = b""
    time_limit: float = 0.0


def read_job(raw: object, solvers: dict[str, Solver], find_upload: Callable[[str], bytes]) -> Job:
    """The job in one item of a submit; SapiError says why SAPI would not accept it."""
    if not isinstance(raw, dict):
        raise SapiError(400, "A problem must be a JSON object")
    solver = _find_solver(raw.get("solver"), solvers)
    data, params = raw.get("data"), raw.get("params", {})
    if not (isinstance(data, dict) and isinstance(params, dict)):
        raise SapiError(400, "A problem needs data and params")
    kind = raw.get("type")
    if kind not in solver.problem_types:
        raise SapiError(400, f"Problem type ({kind}) is not supported by the solver.")
    try:
        job = Job(solver, kind, params, _label(raw.get("label")), data)
        return _for_qpu(job) if solver.graph_id else _for_hybrid(job, find_upload)
    except ValueError as error:
        raise SapiError(400, str(error)) from error


def _find_solver(identity: object, solvers: dict[str, Solver]) -> Solver:
    name = identity.get("name") if isinstance(identity, dict) else None
    solver = solvers.get(name) if isinstance(name, str) else None
    if solver is None or not isinstance(identity, dict):
        raise SapiError(400, NO_SUCH_SOLVER)
    version = identity.get("version")
    if solver.graph_id and (not isinstance(version, dict) or version.get("graph_id") != solver.graph_id):
        raise SapiError(400, "The solver has another working graph now")
    return solver


def _label(label: object) -> str | None:
    if label is None:
        return None
    if not isinstance(label, str) or len(label) > LABEL_LENGTH:
        raise ValueError(f"A label is a string of at most {LABEL_LENGTH} characters")
    try:
        label.encode("cp1252")
    except UnicodeEncodeError:
        raise ValueError("A label consists of Windows-1252 characters") from None
    return label


def _for_qpu(job: Job) -> Job:
    if job.data.get("format") != "qp":
        raise ValueError("This solver takes data in the format qp")
    problem = decode_problem(job.solver.graph, job.data)
    parameters.check_qpu(job.solver, job.params, len(problem.qubits))
    return replace(job, problem=problem)


def _for_hybrid(job: Job, find_upload: Callable[[str], bytes]) -> Job:
    reference = job.data.get("data")
    if job.data.get("format") != "ref" or not isinstance(reference, str):
        raise ValueError("This solver takes data in the format ref")
    limit = parameters.check_hybrid(job.solver, job.params)
    return replace(job, uploaded=find_upload(reference), time_limit=limit)
