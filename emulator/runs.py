"""What running a job will do and cost, decided before it runs."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dimod

from .codec import QuadraticProblem
from .constrained import sample_cqm
from .jobs import Job
from .nonlinear import sample_nonlinear
from .sampling import sample_bqm, sample_qpu
from .settings import Settings
from .timing import access_time


@dataclass(frozen=True)
class Run:
    """`sample` does the work, in a thread, and returns the answer and the binary data that it refers to, if any."""

    sample: Callable[[], tuple[dict[str, Any], bytes | None]]
    charged_us: float


def prepare(job: Job, settings: Settings, rng: random.Random) -> Run:
    """The run of a job under these settings; all chance in it comes from `rng`."""
    if job.problem is not None:
        return _on_qpu(job, job.problem, settings, rng)
    return _on_hybrid(job, settings, rng)


def _on_qpu(job: Job, problem: QuadraticProblem, settings: Settings, rng: random.Random) -> Run:
    properties = job.solver.properties
    duration = access_time(properties["problem_timing_data"], len(problem.qubits), job.params)
    timing = duration.scaled(settings.timing_factor).shaken(settings.jitter, rng).as_answer()
    seed = rng.getrandbits(31)

    def sample() -> tuple[dict[str, Any], None]:
        answer = sample_qpu(
            problem,
            vartype=dimod.SPIN if job.type == "ising" else dimod.BINARY,
            num_qubits=properties["num_qubits"],
            reads=duration.reads,
            histogram=job.params.get("answer_mode") != "raw",
            seed=seed,
        )
        return answer | {"timing": timing}, None

    return Run(sample, timing["qpu_access_time"])


def _on_hybrid(job: Job, settings: Settings, rng: random.Random) -> Run:
    charge = round(job.time_limit * 1e6 * settings.timing_factor)
    times = {"qpu_access_time": charge // 50, "charge_time": charge, "run_time": charge + rng.randrange(1000, 60_000)}
    seed = rng.getrandbits(31)

    def sample_model() -> tuple[dict[str, Any], bytes]:
        timing: dict[str, Any] = {**times, "warnings": []}
        answer = {"format": "binary-ref", "auth_method": "sapi-token", "timing": timing, "shape": {}}
        return answer, sample_nonlinear(job.uploaded, seed=seed)

    def sample_quadratic() -> tuple[dict[str, Any], None]:
        sample = sample_cqm if job.type == "cqm" else sample_bqm
        return {"format": "bq", "data": sample(job.uploaded, info=times, seed=seed)}, None

    return Run(sample_model if job.type == "nl" else sample_quadratic, charge)
