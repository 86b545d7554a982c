"""How long a job takes on a QPU, by the model that D-Wave publishes in a solver's `problem_timing_data`.

All values are microseconds. The formulas are those of Ocean's `StructuredSolver.estimate_qpu_access_time`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class AccessTime:
    """One programming, then `reads` times anneal, readout and delay."""

    programming: float
    anneal: float
    readout: float
    delay: float
    reads: int

    @property
    def sampling(self) -> float:
        return self.reads * (self.anneal + self.readout + self.delay)

    @property
    def total(self) -> float:
        return self.programming + self.sampling

    def scaled(self, factor: float) -> "AccessTime":
        """A job that takes `factor` times as long in everything."""
        return self._each(lambda part: factor * part)

    def shaken(self, jitter: float, rng: random.Random) -> "AccessTime":
        """A job that takes up to the share `jitter` more or less, but anneals exactly as long as it was told to."""
        programming, readout = (part * rng.uniform(1 - jitter, 1 + jitter) for part in (self.programming, self.readout))
        return replace(self, programming=programming, readout=readout)

    def rounded(self) -> "AccessTime":
        """To the hundredths that D-Wave reports, so that the parts still add up."""
        return self._each(lambda part: round(part, 2))

    def _each(self, change: Callable[[float], float]) -> "AccessTime":
        return AccessTime(
            change(self.programming), change(self.anneal), change(self.readout), change(self.delay), self.reads
        )

    def as_answer(self) -> dict[str, float]:
        """The `timing` of an answer."""
        exact = self.rounded()
        return {
            "qpu_sampling_time": round(exact.sampling, 2),
            "qpu_anneal_time_per_sample": exact.anneal,
            "qpu_readout_time_per_sample": exact.readout,
            "qpu_access_time": round(exact.total, 2),
            "qpu_access_overhead_time": round(exact.programming * 0.4, 2),
            "qpu_programming_time": exact.programming,
            "qpu_delay_time_per_sample": exact.delay,
            "total_post_processing_time": 200.0,
            "post_processing_overhead_time": 200.0,
        }


def access_time(model: dict[str, Any], num_qubits: int, params: dict[str, Any]) -> AccessTime:
    """What a job with these parameters and so many active qubits takes."""
    schedule = params.get("anneal_schedule")
    anneal = params.get("annealing_time") or (schedule[-1][0] if schedule else model["default_annealing_time"])
    reverse_programming, reverse_delay = _reverse_annealing(model, schedule, params.get("reinitialize_state"))
    settling = params.get("readout_thermalization") or model["default_readout_thermalization"]
    if params.get("reduce_intersample_correlation"):
        settling = max(settling, _decorrelation(model, anneal))
    return AccessTime(
        programming=model["typical_programming_time"]
        + reverse_programming
        + (params.get("programming_thermalization") or model["default_programming_thermalization"]),
        anneal=anneal,
        readout=_readout(model, num_qubits),
        delay=model["qpu_delay_time_per_sample"] + reverse_delay + settling,
        reads=params.get("num_reads") or 1,
    )


def is_reverse(schedule: Any) -> bool:
    """Whether an anneal schedule starts from a classical state."""
    return bool(schedule) and schedule[0][1] == 1


def _reverse_annealing(model: dict[str, Any], schedule: Any, reinitialize: Any) -> tuple[float, float]:
    if not is_reverse(schedule):
        return 0.0, 0.0
    kind = "with" if reinitialize else "without"
    prefix = f"reverse_annealing_{kind}_reinit"
    return model[f"{prefix}_prog_time_delta"], model[f"{prefix}_delay_time_delta"]


def _decorrelation(model: dict[str, Any], anneal: float) -> float:
    shortest, longest = model["decorrelation_time_range"]
    return float(anneal / model["decorrelation_max_nominal_anneal_time"] * (longest - shortest) + shortest)


def _readout(model: dict[str, Any], num_qubits: int) -> float:
    sizes, times = np.split(np.asarray(model["readout_time_model_parameters"]), 2)
    if model["readout_time_model"] == "pwl_log_log":
        return float(10 ** np.interp(np.log10(num_qubits), sizes, times))
    return float(np.interp(num_qubits, sizes, times))
