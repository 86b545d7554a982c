"""Solver lists: what is on offer, filters, caching."""

import pytest
from dwave.cloud.solver import StructuredSolver
from hypothesis import given
from hypothesis import strategies as st

from emulator.solvers import select_fields

SOLVER = {"identity": {"name": "x"}, "status": "ONLINE", "avg_load": 0.1, "properties": {"a": 1, "b": {"c": 2, "d": 3}}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("all", SOLVER),
        ("none", {}),
        ("all,-properties,-avg_load", {"identity": {"name": "x"}, "status": "ONLINE"}),
        ("none,+status,+unknown,+status.deeper", {"status": "ONLINE"}),
        ("none,+properties.b.c", {"properties": {"b": {"c": 2}}}),
        ("none,+properties,-properties.b.d,-unknown.x", {"properties": {"a": 1, "b": {"c": 2}}}),
        ("all,-properties,+properties.a,-status,-avg_load,-identity", {"properties": {"a": 1}}),
        ("none,+status,-status", {}),
    ],
)
def test_filters(expression, expected):
    assert select_fields(SOLVER, expression) == expected


@pytest.mark.parametrize("expression", ["", "some", "all,status", "none,", "+status"])
def test_it_refuses_filters(expression, sapi):
    with pytest.raises(ValueError, match="Invalid filter"):
        select_fields(SOLVER, expression)
    assert sapi.get("solvers/remote/", filter=expression).status_code == 400


@given(st.lists(st.sampled_from(["+properties", "-properties", "+properties.b.c", "-properties.b", "+status"])))
def test_filters_leave_the_solver_as_it_is(steps):
    before = repr(SOLVER)
    select_fields(SOLVER, ",".join(["none", *steps]))

    assert repr(SOLVER) == before


def test_chips_are_like_real_ones(solvers, qpu):
    properties = qpu.properties
    working = set(properties["qubits"])

    assert len(working) < properties["num_qubits"]  # no chip is whole
    assert all(working.issuperset(coupler) for coupler in properties["couplers"])
    assert {"fast_anneal", "reinitialize_state"} <= properties["parameters"].keys()
    assert len(properties["anneal_offset_ranges"]) == properties["num_qubits"]
    ocean = StructuredSolver(None, {"identity": qpu.identity, "properties": properties})
    assert ocean.estimate_qpu_access_time(10) > 0
    assert {solver.properties["topology"]["type"] for solver in solvers.values() if solver.graph_id} == {
        "pegasus",
        "zephyr",
    }


def test_unknown_solvers_are_not_found(sapi):
    response = sapi.get("solvers/remote/unknown")

    assert response.status_code == 404
    assert response.json()["error_msg"] == "Solver does not exist or apitoken does not have access"


@pytest.mark.parametrize("path", ["solvers/remote/", "solvers/remote/Advantage_emulator1.1"])
def test_solvers_are_cached_by_clients(sapi, path):
    response = sapi.get(path, filter="none,+identity")
    etag = response.headers["ETag"]

    assert etag.startswith('W/"')
    assert response.headers["Cache-Control"] == "private, max-age=3600"
    assert sapi.get(path).headers["Cache-Control"] == "private, max-age=10"  # load and status change
    known = {"If-None-Match": f'W/"other", {etag}'}
    unchanged = sapi.request("GET", path, params={"filter": "none,+identity"}, headers=known)
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", etag)
    assert sapi.request("GET", path, headers=known).status_code == 200
