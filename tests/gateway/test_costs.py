"""What D-Wave deducts, as its answers tell."""

import pytest

from gateway.models import Problem
from gateway.services import cost_ns
from quotas.policies import MAX_NS

QPU = Problem(type="ising", conversion_rate=1)
HYBRID = Problem(type="bqm", conversion_rate=20)


@pytest.mark.parametrize(
    ("problem", "answer", "nanoseconds"),
    [
        (QPU, {"timing": {"qpu_access_time": 15148.02}}, 15_148_020),
        (QPU, {"timing": {"qpu_access_time": 0.01}}, 10),
        (QPU, {"timing": {"qpu_access_time": 0}}, 0),
        (QPU, {"timing": {"qpu_access_time": 16}}, 16_000),
        (QPU, {"timing": {"qpu_access_time": 1.1, "charge_time": 5_000_000}}, 1_100),
        (HYBRID, {"data": {"info": {"charge_time": 5_000_000, "qpu_access_time": 50, "run_time": 6e6}}}, 250_000_000),
        (HYBRID, {"timing": {"charge_time": 2_991_234.56, "qpu_access_time": 0.0}}, 149_561_728),
        (Problem(type="nl", conversion_rate=3), {"timing": {"charge_time": 10}}, 3_333),
    ],
)
def test_it_counts_in_nanoseconds(problem, answer, nanoseconds):
    assert cost_ns(answer, problem) == nanoseconds


@pytest.mark.parametrize("value", [None, "16", True, [16], {}, -1, float("nan"), float("inf"), 1e308, MAX_NS])
@pytest.mark.parametrize("problem", [QPU, HYBRID])
def test_other_values_tell_nothing(problem, value):
    assert (
        cost_ns({"timing": {"qpu_access_time": value, "charge_time": -1 if value == MAX_NS else value}}, problem)
        is None
    )


@pytest.mark.parametrize(
    "answer",
    [None, [], "x", {}, {"timing": None}, {"timing": []}, {"timing": {}}, {"data": "x"}, {"data": {"info": []}}],
)
@pytest.mark.parametrize("problem", [QPU, HYBRID])
def test_other_shapes_tell_nothing(problem, answer):
    assert cost_ns(answer, problem) is None


def test_the_share_of_the_qpu_is_not_what_a_hybrid_problem_costs():
    assert cost_ns({"timing": {"qpu_access_time": 50}}, HYBRID) is None
    assert cost_ns({"data": {"info": {"qpu_access_time": 50}}}, HYBRID) is None
