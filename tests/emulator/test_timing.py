"""Timing, against D-Wave's own estimate."""

import random
from types import SimpleNamespace

import pytest
from dwave.cloud.solver import StructuredSolver
from dwave.cloud.testing.mocks import qpu_problem_timing_data
from hypothesis import given
from hypothesis import strategies as st

from emulator.timing import access_time

times = st.none() | st.floats(0.01, 2000)
anneals = st.one_of(
    st.fixed_dictionaries({}, optional={"annealing_time": times}),
    st.floats(1, 1000).map(lambda end: {"anneal_schedule": [[0, 0], [end, 1]]}),
    st.fixed_dictionaries(
        {"anneal_schedule": st.just([[0, 1], [5, 0.5], [10, 1]]), "initial_state": st.just([1])},
        optional={"reinitialize_state": st.booleans()},
    ),
)
others = st.fixed_dictionaries(
    {},
    optional={
        "num_reads": st.integers(1, 10_000),
        "programming_thermalization": times,
        "readout_thermalization": times,
        "reduce_intersample_correlation": st.booleans(),
        "answer_mode": st.just("raw"),
    },
)
models = st.sampled_from(["advantage", "2000q"]).map(qpu_problem_timing_data)
linear_model = qpu_problem_timing_data() | {
    "readout_time_model": "pwl_linear",
    "readout_time_model_parameters": [1, 100, 1000, 20, 50, 200],
}


@given(models | st.just(linear_model), st.integers(1, 6000), anneals, others)
def test_it_is_what_the_vendor_estimates(model, num_qubits, anneal, other):
    params = anneal | other
    solver = SimpleNamespace(properties={"problem_timing_data": model})
    estimate = StructuredSolver.estimate_qpu_access_time(solver, num_qubits, **params)

    assert access_time(model, num_qubits, params).total == pytest.approx(estimate)


@given(models, st.integers(1, 6000), others, st.floats(0, 0.1), st.randoms())
def test_what_is_answered_adds_up_exactly(model, num_qubits, params, jitter, rng):
    exact = access_time(model, num_qubits, params)
    answer = exact.shaken(jitter, rng).as_answer()
    ns = {name: round(value * 1000) for name, value in answer.items()}

    assert ns["qpu_access_time"] == ns["qpu_programming_time"] + ns["qpu_sampling_time"]
    per_read = ("qpu_anneal_time_per_sample", "qpu_readout_time_per_sample", "qpu_delay_time_per_sample")
    assert ns["qpu_sampling_time"] == exact.reads * sum(ns[name] for name in per_read)
    assert all(value % 10 == 0 for value in ns.values())  # hundredths of a microsecond
    slack = 0.02 + 0.015 * exact.reads  # of rounding
    assert abs(answer["qpu_access_time"] - exact.total) <= jitter * exact.total + slack


def test_a_small_job_takes_what_the_contract_says():
    assert access_time(qpu_problem_timing_data(), 1, {}).as_answer()["qpu_access_time"] == 15148.02


def test_a_factor_applies_to_everything():
    exact = access_time(qpu_problem_timing_data(), 100, {"num_reads": 10})

    assert exact.scaled(1.5).total == pytest.approx(1.5 * exact.total)


def test_jitter_is_repeatable():
    exact = access_time(qpu_problem_timing_data(), 100, {})

    assert exact.shaken(0.03, random.Random(7)) == exact.shaken(0.03, random.Random(7)) != exact
