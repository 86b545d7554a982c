"""The real, unmodified Ocean SDK against the emulator."""

import os

import dimod
import pytest
from dwave.cloud import Client
from dwave.cloud import exceptions as ocean_exceptions
from dwave.system import DWaveSampler, EmbeddingComposite, LeapHybridCQMSampler, LeapHybridSampler

from .conftest import ALPHA


@pytest.fixture(autouse=True)
def plain_ocean(monkeypatch, tmp_path):
    """No configuration and no cache of the machine's."""
    for name in ("ENDPOINT", "TOKEN", "REGION", "SOLVER", "CLIENT"):
        monkeypatch.delenv(f"DWAVE_API_{name}", raising=False)
    monkeypatch.setenv("DWAVE_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("DWAVE_CACHE_HOME", str(tmp_path))


@pytest.fixture
def access(emulator) -> dict[str, str]:
    return {"endpoint": emulator.endpoint, "token": ALPHA}


def test_sampling_with_an_embedding(access, emulator, qpu):
    clique = {(u, v): 1 for u in range(5) for v in range(u)}
    with DWaveSampler(solver=qpu.name, **access) as sampler:
        samples = EmbeddingComposite(sampler).sample_ising({}, clique, num_reads=50, label="clique")
        samples.resolve()

    assert samples.first.energy == -2
    assert samples.info["problem_label"] == "clique"
    assert emulator.ledger(ALPHA)["charged_ns"] == round(samples.info["timing"]["qpu_access_time"] * 1000)


def test_a_whole_chip(access, qpu):
    with DWaveSampler(solver=qpu.name, **access) as sampler:
        bqm = dimod.BQM(
            {qubit: (qubit % 7 - 3) / 3 for qubit in sampler.nodelist},
            dict.fromkeys(sampler.edgelist, -1 / 3),
            "SPIN",
        )
        samples = sampler.sample(bqm, num_reads=5, answer_mode="raw")
        assert len(samples) == 5

    dimod.testing.assert_sampleset_energies(samples, bqm)


def test_a_hybrid_solver(access):
    with LeapHybridSampler(**access) as sampler:
        samples = sampler.sample(dimod.BQM.from_ising({}, {"ab": 1, "bc": 1}), time_limit=3)
        assert samples.first.energy == -2

    assert samples.info["charge_time"] == 3_000_000


def test_a_hybrid_solver_with_constraints(access, emulator):
    ones, number = list(map(dimod.Binary, "abc")), dimod.Integer("n", lower_bound=-5, upper_bound=100)
    share = dimod.Real("share", lower_bound=0, upper_bound=10)
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.set_objective(number * number - 6 * number + 2 * share - sum(ones))
    cqm.add_constraint(number + share >= 5.5, label="enough")
    cqm.add_constraint(sum(ones) == 1, label="one")
    cqm.add_constraint(number * ones[0] <= 2, label="not both")
    with LeapHybridCQMSampler(**access) as sampler:
        samples = sampler.sample_cqm(cqm, time_limit=5, label="constrained")
        best = samples.filter(lambda sample: sample.is_feasible).first

    assert best.energy == pytest.approx(-6, abs=0.01)  # at 4 and 1.5
    assert (best.sample["n"], best.sample["a"]) == (4, 0)
    assert best.sample["share"] == pytest.approx(1.5, abs=0.01)
    assert cqm.check_feasible(best.sample)
    assert set(samples.info["constraint_labels"]) == {"enough", "one", "not both"}
    assert samples.info["charge_time"] == 5_000_000
    assert emulator.ledger(ALPHA)["deducted_ns"] == 250_000_000


def test_many_jobs_and_cancelling(access, emulator, qpu):
    emulator.configure(paused=True)
    with Client(**access) as client:
        solver = client.get_solver(name=qpu.name)
        qubit = min(solver.nodes)
        futures = [solver.sample_ising({qubit: 1}, {}) for _ in range(30)]
        futures[-1].wait_id()
        futures[-1].cancel()
        with pytest.raises(ocean_exceptions.CanceledFutureError):
            futures[-1].result()
        emulator.configure(paused=False)
        timings = [future.timing["qpu_access_time"] for future in futures[:-1]]

    assert emulator.ledger(ALPHA)["charged_ns"] == sum(round(time * 1000) for time in timings)


def test_a_refused_item_fails_alone(access, emulator, qpu):
    emulator.fault("item", "refuse")
    with Client(**access) as client:
        solver = client.get_solver(name=qpu.name)
        qubit = min(solver.nodes)
        futures = [solver.sample_ising({qubit: 1}, {}) for _ in range(3)]
        refused, *accepted = sorted(futures, key=lambda future: future.wait(10) and future.id is not None)
        with pytest.raises(ocean_exceptions.SolverFailureError, match="insufficient remaining solver access time"):
            refused.result()

    assert len([future.timing for future in accepted]) == 2


def test_a_wrong_token(access):
    refused = pytest.raises(ocean_exceptions.SolverAuthenticationError)
    with Client(**access | {"token": "DEV-unknown"}) as client, refused:
        client.get_solvers()
