"""The work itself: low-energy states by simulated annealing. Pure functions that run in a thread."""

from typing import Any

import dimod
import numpy as np
from dwave.samplers import SimulatedAnnealingSampler

from .codec import Floats, Integers, QuadraticProblem, Rows, encode_answer

# Spin updates that one job may cost, about a tenth of a second; then there are fewer sweeps, but never less than a few.
BUDGET = 5_000_000
SWEEPS = (16, 1000)
HYBRID_READS = 100  # of which the best is answered


def sample_qpu(
    problem: QuadraticProblem, *, vartype: dimod.Vartype, num_qubits: int, reads: int, histogram: bool, seed: int
) -> dict[str, Any]:
    """A `qp` answer without its timing: equal states counted and sorted by energy, or one row per read."""
    u, v = problem.ends.T
    bqm = dimod.BQM.from_numpy_vectors(problem.linear, (u, v, problem.quadratic), 0.0, vartype)
    ups, energies = _random_states(bqm, reads, seed) if problem.is_flat else anneal(bqm, reads, seed)
    occurrences = None
    if histogram:
        ups, energies, occurrences = _count(ups, energies)
    return encode_answer(
        num_variables=num_qubits, qubits=problem.qubits, rows=ups, energies=energies, occurrences=occurrences
    )


def sample_bqm(uploaded: bytes, *, info: dict[str, int], seed: int) -> dict[str, Any]:
    """The best of some states of an uploaded binary quadratic model, as a serialized sample set with this `info`."""
    bqm = dimod.BQM.from_file(uploaded)
    ups, energies = anneal(bqm, HYBRID_READS, seed)
    best = energies.argmin()
    state = ups[best] if bqm.vartype is dimod.BINARY else _as_spins(ups[best])
    samples: Any = dimod.SampleSet
    samples = samples.from_samples((state, bqm.variables), energy=[energies[best]], vartype=bqm.vartype, info=info)
    serialized: dict[str, Any] = samples.to_serializable(use_bytes=False)
    return serialized


def anneal(bqm: Any, reads: int, seed: int) -> tuple[Rows, Floats]:
    """Which variables are up in each read, in the model's order of variables, and the energies."""
    fewest, most = SWEEPS
    sweeps = max(fewest, min(most, BUDGET // (reads * max(1, bqm.num_variables))))
    sampler: Any = SimulatedAnnealingSampler
    samples = sampler().sample(bqm, num_reads=reads, num_sweeps=sweeps, seed=seed)
    columns = [samples.variables.index(variable) for variable in bqm.variables]
    return samples.record.sample[:, columns] > 0, samples.record.energy


def _random_states(bqm: Any, reads: int, seed: int) -> tuple[Rows, Floats]:
    """For problems without any bias, about which the annealer only warns."""
    ups = np.random.default_rng(seed).integers(2, size=(reads, bqm.num_variables)).astype(bool)
    return ups, np.zeros(reads)


def _count(ups: Rows, energies: Floats) -> tuple[Rows, Floats, Integers]:
    """Equal states once, with their number, by rising energy."""
    ups, first, occurrences = np.unique(ups, axis=0, return_index=True, return_counts=True)
    order = energies[first].argsort(kind="stable")
    return ups[order], energies[first][order], occurrences[order]


def _as_spins(ups: Rows) -> Integers:
    return 2 * ups.astype(np.int64) - 1
