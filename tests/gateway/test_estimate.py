"""What is reserved for a job: D-Wave's own estimate and a margin, whatever the sender writes into the parameters."""

from types import SimpleNamespace

import pytest
from dwave.cloud.solver import StructuredSolver

from gateway.estimate import estimate_ns
from gateway.jobs import InvalidJob, Job
from quotas.policies import MAX_NS

from .conftest import biases

HUGE = 1.7e308


@pytest.fixture
def estimate(qpu):
    """estimate(active, num_reads=2): nanoseconds for a job of so many qubits, without a margin."""

    def estimate_for(active=1, *, properties=None, margin_percent=0, **params):
        properties = qpu.properties if properties is None else properties
        lin = biases(*[1.0] * active, *[None] * (len(qpu.properties["qubits"]) - active))
        data = {"format": "qp", "lin": lin, "quad": ""}
        job = Job.parse({"solver": {"name": "qpu"}, "type": "ising", "params": params, "data": data})
        return estimate_ns(job, properties, margin_percent=margin_percent)

    return estimate_for


@pytest.fixture
def hybrid_estimate(hybrid):
    def estimate_for(time_limit=5, *, type_="bqm", margin_percent=0, **properties):
        params = {} if time_limit is None else {"time_limit": time_limit}
        job = Job.parse({"solver": {"name": "hybrid"}, "type": type_, "params": params, "data": {}})
        return estimate_ns(job, hybrid.properties | properties, margin_percent=margin_percent)

    return estimate_for


class TestQpu:
    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"num_reads": 1},
            {"num_reads": 1000},
            {"num_reads": 100, "annealing_time": 0.5},
            {"annealing_time": 2000},
            {"annealing_time": None, "num_reads": None},
            {"programming_thermalization": 0, "readout_thermalization": 100.5},
            {"anneal_schedule": [[0, 0], [50.5, 1]]},
            {"anneal_schedule": [[0, 1], [10, 0.5], [20, 1]], "initial_state": [1]},
            {"anneal_schedule": [[0, 1], [20, 1]], "initial_state": [1], "reinitialize_state": True, "num_reads": 7},
            {"reduce_intersample_correlation": True, "num_reads": 10},
            {"answer_mode": "raw", "x_unknown": [1]},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("active", [1, 100, 600])
    def test_it_is_the_vendors_estimate(self, estimate, qpu, active, params):
        given = {name: value for name, value in params.items() if value is not None}
        vendors = StructuredSolver.estimate_qpu_access_time(SimpleNamespace(properties=qpu.properties), active, **given)

        assert estimate(active, **params) == pytest.approx(vendors * 1000, abs=1)

    def test_the_margin_comes_on_top(self, estimate):
        assert estimate(margin_percent=5) == pytest.approx(estimate() * 1.05, abs=1)

    @pytest.mark.parametrize(
        "params",
        [
            {"num_reads": 0},
            {"num_reads": -1},
            {"num_reads": 10_001},
            {"num_reads": 2.0},
            {"num_reads": "2"},
            {"num_reads": True},
            {"num_reads": [2]},
            {"num_reads": 2**63},
            *(
                {name: value}
                for name in ("annealing_time", "programming_thermalization", "readout_thermalization")
                for value in (-1, -1e-9, "20", True, [20], {}, HUGE, float("nan"), float("inf"))
            ),
            {"anneal_schedule": []},
            {"anneal_schedule": "x"},
            {"anneal_schedule": {"0": 1}},
            {"anneal_schedule": [[0, 0], [20]]},
            {"anneal_schedule": [[0, 0], [20, "1"]]},
            {"anneal_schedule": [[0, 0], [20, 1], [-20, 1]]},
            {"anneal_schedule": [[-5, 0], [20, 1]]},
            {"anneal_schedule": [[0, 0], [HUGE, 1]]},
            {"anneal_schedule": [[0, 0], [20, 1]], "annealing_time": 20},
            {"anneal_schedule": [[0, 1], [20, 1]]},
            {"reduce_intersample_correlation": 1},
            {"reinitialize_state": "false"},
        ],
        ids=str,
    )
    def test_it_refuses_hostile_parameters(self, estimate, params):
        with pytest.raises(InvalidJob):
            estimate(**params)

    @pytest.mark.parametrize(
        "change",
        [
            {"problem_timing_data": None},
            {"problem_timing_data": {}},
            {"problem_timing_data": {"version": "2.0.0"}},
            {"quota_conversion_rate": 0},
            {"quota_conversion_rate": "1"},
            {"supported_problem_types": ["bqm"]},
            {"qubits": []},
        ],
        ids=str,
    )
    def test_it_refuses_solvers_that_do_not_tell(self, estimate, qpu, change):
        with pytest.raises(InvalidJob):
            estimate(properties=qpu.properties | change)

    def test_what_no_solver_tells_is_refused_too(self, estimate):
        with pytest.raises(InvalidJob):
            estimate(properties={})

    def test_a_qpu_deducts_what_it_takes_unless_it_says_otherwise(self, estimate, qpu):
        properties = {name: value for name, value in qpu.properties.items() if name != "quota_conversion_rate"}

        assert estimate(properties=properties) == estimate()
        assert estimate(properties=properties | {"quota_conversion_rate": 2}) == pytest.approx(estimate() / 2, abs=1)


class TestHybrid:
    @pytest.mark.parametrize(("time_limit", "seconds"), [(5, 0.25), (3.5, 0.175), (20, 1)])
    def test_it_is_the_time_limit_by_the_conversion_rate(self, hybrid_estimate, time_limit, seconds):
        assert hybrid_estimate(time_limit) == pytest.approx(seconds * 10**9, abs=1)

    @pytest.mark.parametrize("limit", [None, 0, -5, "5", True, [5], HUGE, float("nan"), MAX_NS])
    def test_it_refuses_what_is_no_time_limit(self, hybrid_estimate, limit):
        with pytest.raises(InvalidJob):
            hybrid_estimate(limit)

    @pytest.mark.parametrize("rate", [None, 0, -20, "20", True])
    def test_it_refuses_solvers_that_do_not_tell(self, hybrid_estimate, rate):
        with pytest.raises(InvalidJob):
            hybrid_estimate(quota_conversion_rate=rate)

    def test_it_refuses_what_the_solver_does_not_solve(self, hybrid_estimate):
        with pytest.raises(InvalidJob):
            hybrid_estimate(type_="nl")
