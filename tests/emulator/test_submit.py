"""Accepting jobs: one or many, however they are packed, and item errors for those that D-Wave would refuse."""

import json
import zlib

import pytest
from dwave.cloud.coders import decode_qp

from .conftest import ALPHA


def test_it_samples(sapi, job, qpu):
    [u, v] = (int(qpu.graph.qubits[end]) for end in qpu.graph.couplers[0])
    [problem] = sapi.run(job({u: 1.0}, {(u, v): -1.0}, num_reads=20))

    answer = decode_qp(problem)
    assert (answer["energies"][0], answer["solutions"][0][u], answer["solutions"][0][v]) == (-2.0, -1, -1)
    assert sum(answer["num_occurrences"]) == 20
    assert answer["num_variables"] == qpu.properties["num_qubits"]


def test_it_samples_qubos(sapi, job, qpu):
    first = int(qpu.graph.qubits[0])
    [problem] = sapi.run(job({first: -1.0}, type_="qubo", num_reads=5))

    answer = decode_qp(problem)
    assert (answer["energies"], answer["solutions"][0][first], answer["num_occurrences"]) == ((-1.0,), 1, (5,))


def test_raw_answers_have_a_row_per_read(sapi, job, qpu):
    flat = {int(qubit): 0.0 for qubit in qpu.graph.qubits[:9]}  # without biases states are random
    [problem] = sapi.run(job(flat, num_reads=64, answer_mode="raw"))

    answer = decode_qp(problem)
    assert len(answer["energies"]) == len(answer["solutions"]) == 64
    assert "num_occurrences" not in answer
    assert len({tuple(solution) for solution in answer["solutions"]}) > 10


def test_a_single_job_is_answered_by_a_single_status(sapi, job, qpu):
    response = sapi.request("POST", "problems", json=job(label="one"))

    status = response.json()
    assert response.headers["Content-Type"].startswith("application/vnd.dwave.sapi.problems+json; version=3.0.0")
    assert status.keys() == {"id", "type", "solver", "label", "status", "submitted_on"}
    assert (status["status"], status["solver"], status["label"]) == ("PENDING", qpu.identity, "one")


def test_a_batch_is_answered_in_its_order(sapi, job):
    statuses = sapi.submit(job(label="a"), job(num_reads=0), job(label="c"), "nonsense")

    assert [status.get("label", status.get("error_code")) for status in statuses] == ["a", 400, "c", 400]


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_may_be_deflated_and_chunked(sapi, job, chunked):
    body = zlib.compress(json.dumps([job(), job()]).encode())
    data = (body[start : start + 100] for start in range(0, len(body), 100)) if chunked else body

    response = sapi.request("POST", "problems/", data=data, headers={"Content-Encoding": "deflate"})

    assert [status["status"] for status in response.json()] == ["PENDING"] * 2


@pytest.mark.parametrize("body", [b"", b"{", b'[{"params": NaN}]'])
def test_what_is_not_json_is_refused(sapi, body):
    assert sapi.request("POST", "problems/", data=body).status_code == 400


def test_a_body_that_cannot_be_inflated_is_refused(sapi):
    response = sapi.request("POST", "problems/", data=b"no zlib", headers={"Content-Encoding": "deflate"})

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"solver": {"name": "nobody"}}, "Solver does not exist or apitoken does not have access"),
        ({"solver": "Advantage_emulator1.1"}, "Solver does not exist"),
        ({"solver": {"name": "Advantage_emulator1.1", "version": {"graph_id": "old"}}}, "another working graph"),
        ({"type": "cqm"}, "Problem type (cqm) is not supported by the solver."),
        ({"data": None}, "needs data"),
        ({"data": {"format": "bq"}}, "format qp"),
        ({"data": {"format": "qp", "lin": "", "quad": ""}}, "lin has 0 values"),
        ({"label": "x" * 1025}, "at most 1024 characters"),
        ({"label": "Wörter 漢字"}, "Windows-1252"),
    ],
)
def test_it_refuses_what_it_cannot_read(sapi, job, change, complaint):
    [refusal] = sapi.submit(job() | change)

    assert refusal["error_code"] == 400
    assert complaint in refusal["error_msg"]


@pytest.mark.parametrize(
    "params",
    [
        {"surprise": 1},
        {"num_reads": 10_001},
        {"num_reads": True},
        {"num_reads": 1.5},
        {"num_reads": "10"},
        {"annealing_time": 0.1},
        {"annealing_time": -1},
        {"readout_thermalization": 1e9},
        {"answer_mode": "medium"},
        {"anneal_schedule": [[0, 0]]},
        {"anneal_schedule": [[0, 0], [0, 1]]},
        {"anneal_schedule": [[0, 0], ["x", 1]]},
        {"anneal_schedule": [[0, 1], [5, 1]]},  # reverse, without an initial state
        {"anneal_schedule": [[0, 0], [5, 1]], "annealing_time": 5},
        {"num_reads": 10_000, "annealing_time": 2000},  # longer than a run may be
    ],
)
def test_it_refuses_parameters(sapi, job, params):
    [refusal] = sapi.submit(job(**params))

    assert refusal["error_code"] == 400


@pytest.mark.parametrize(
    "params",
    [
        {"x_test": 1},
        {"num_reads": None},
        {"fast_anneal": True, "annealing_time": 0.01},
        {"anneal_schedule": [[0, 1], [5, 0.5], [10, 1]], "initial_state": [1], "reinitialize_state": True},
    ],
)
def test_it_accepts_parameters(sapi, job, params):
    assert sapi.run(job(**params))[0]["status"] == "COMPLETED"


def test_a_queue_has_an_end(sapi, stranger, emulator, job):
    emulator.configure(paused=True, max_open=2)

    assert [item.get("error_code") for item in sapi.submit(job(), job(), job())] == [None, None, 429]
    assert "error_code" not in stranger.submit(job())[0]


def test_an_answer_may_come_with_the_submit(sapi, emulator, job):
    emulator.configure(submit_wait=10.0)

    [done] = sapi.submit(job())

    assert done["status"] == "COMPLETED"
    assert done["answer"]["timing"]["qpu_access_time"] == 15148.02
    assert emulator.ledger(ALPHA)["problems"] == 1


def test_solvers_can_be_offline(sapi, emulator, job, qpu):
    emulator.configure(offline=[qpu.name])

    assert sapi.submit(job())[0]["error_msg"] == "Solver is offline"
    assert sapi.get(f"solvers/remote/{qpu.name}", filter="none,+status").json() == {"status": "OFFLINE"}
