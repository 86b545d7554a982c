"""The qp format, against Ocean's own coders."""

import numpy as np
import pytest
from dwave.cloud import coders
from dwave.cloud.solver import StructuredSolver
from hypothesis import given
from hypothesis import strategies as st

from emulator.codec import WorkingGraph, decode_problem, encode_answer, encode_problem

QUBITS = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31]
COUPLERS = [(2, 3), (2, 29), (3, 5), (5, 7), (7, 11), (11, 13), (11, 31), (13, 17), (17, 19), (19, 23), (29, 31)]
GRAPH = WorkingGraph.of({"qubits": QUBITS, "couplers": COUPLERS})
OCEAN = StructuredSolver(
    None,
    {
        "identity": {"name": "x"},
        "properties": {"supported_problem_types": ["ising"], "qubits": QUBITS, "couplers": COUPLERS},
    },
)

biases = st.floats(-4, 4).filter(lambda bias: bias != 0)
linears = st.dictionaries(st.sampled_from(QUBITS), biases)
quadratics = st.dictionaries(st.sampled_from(COUPLERS), biases)
problems = st.tuples(linears, quadratics).filter(any)


@given(problems)
def test_it_reads_what_ocean_writes(problem):
    linear, quadratic = problem

    decoded = decode_problem(GRAPH, coders.encode_problem_as_qp(OCEAN, linear, quadratic))

    active = decoded.qubits.tolist()
    assert set(active) == set(linear) | {qubit for pair in quadratic for qubit in pair}
    assert dict(zip(active, decoded.linear, strict=True)) == {qubit: linear.get(qubit, 0) for qubit in active}
    pairs = [(active[u], active[v]) for u, v in decoded.ends]
    assert {pair: bias for pair, bias in zip(pairs, decoded.quadratic, strict=True) if bias} == quadratic


@given(problems)
def test_it_writes_what_ocean_writes(problem):
    linear, quadratic = problem

    assert encode_problem(GRAPH, linear, quadratic) == coders.encode_problem_as_qp(OCEAN, linear, quadratic)


@given(st.sets(st.sampled_from(QUBITS), min_size=1), st.integers(1, 5), st.booleans(), st.randoms())
def test_ocean_reads_its_answers(qubits, rows, histogram, random):
    active = np.array(sorted(qubits))
    states = np.array([[random.random() < 0.5 for _ in active] for _ in range(rows)])
    answer = encode_answer(
        num_variables=32,
        qubits=active,
        rows=states,
        energies=np.arange(rows) - 1.5,
        occurrences=np.arange(1, rows + 1) if histogram else None,
    )

    for decode in (coders.decode_qp, lambda message: coders.decode_qp_numpy(message, return_matrix=False)):
        decoded = decode({"type": "ising", "answer": dict(answer)})
        assert [[solution[qubit] == 1 for qubit in active] for solution in decoded["solutions"]] == states.tolist()
        assert list(decoded["energies"]) == [row - 1.5 for row in range(rows)]
        assert list(decoded["active_variables"]) == active.tolist()
        assert list(decoded.get("num_occurrences", [])) == (list(range(1, rows + 1)) if histogram else [])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"lin": None}, "lin is missing"),
        ({"lin": "Ä"}, "lin is not base64"),
        ({"lin": "AAAA"}, "lin is not base64 of doubles"),
        ({"lin": "AAAAAAAA8D8="}, "lin has 1 values"),
        ({"quad": "AAAAAAAA8D8="}, "quad has 1 values"),
        (encode_problem(GRAPH, {}, {}), "no active qubit"),
        (encode_problem(GRAPH, {2: float("inf")}, {}), "finite"),
    ],
)
def test_it_refuses_nonsense(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        decode_problem(GRAPH, encode_problem(GRAPH, {2: 1.0}, {}) | change)
