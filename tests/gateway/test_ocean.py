"""The real Ocean client, unmodified, with the portal for D-Wave."""

import dimod
import dwave.cloud
import pytest
from dwave.cloud.exceptions import SolverAuthenticationError, SolverFailureError
from dwave.system import LeapHybridCQMSampler


@pytest.fixture
def ocean(bobs, monkeypatch, tmp_path):
    monkeypatch.setenv("DWAVE_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("DWAVE_CACHE_HOME", str(tmp_path))
    with dwave.cloud.Client(endpoint=bobs.endpoint, token=bobs.key) as client:
        yield client


def test_it_samples(ocean, qpu, booked, ran):
    future = ocean.get_solver(name=qpu.name).sample_ising(
        {int(qpu.graph.qubits[0]): 1.0}, {}, num_reads=5, label="mine"
    )

    assert [row[int(qpu.graph.qubits[0])] for row in future.samples] == [-1]
    assert future.label == "mine"
    assert booked() == ran() == round(future.timing["qpu_access_time"] * 1000)


def test_it_samples_constrained_models(bobs, monkeypatch, tmp_path, booked, ran):
    monkeypatch.setenv("DWAVE_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("DWAVE_CACHE_HOME", str(tmp_path))
    cqm = dimod.ConstrainedQuadraticModel()
    number, bit = dimod.Integer("n", upper_bound=9), dimod.Binary("b")
    cqm.set_objective(-number - 2 * bit)
    cqm.add_constraint(number + bit <= 5)
    with LeapHybridCQMSampler(endpoint=bobs.endpoint, token=bobs.key) as sampler:
        samples = sampler.sample_cqm(cqm, time_limit=5)
        best = samples.filter(lambda sample: sample.is_feasible).first

    assert best.energy == -6
    assert booked() == ran() == samples.info["charge_time"] * 1000 // 20 == 250_000_000


def test_it_says_what_the_quota_says(ocean, qpu, assign):
    assign(None, 0)
    solver = ocean.get_solver(name=qpu.name)

    with pytest.raises(
        SolverFailureError, match="insufficient remaining solver access time in lab: Refused by the group"
    ):
        solver.sample_ising({int(qpu.graph.qubits[0]): 1.0}, {}).result()


def test_it_says_that_a_key_is_wrong(bobs):
    with (
        dwave.cloud.Client(endpoint=bobs.endpoint, token="luna_wrong") as client,
        pytest.raises(SolverAuthenticationError),
    ):
        client.get_solvers(refresh=True)
