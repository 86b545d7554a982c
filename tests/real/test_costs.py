"""What jobs cost at D-Wave, and what the portal's ledger says of it."""

import subprocess
import sys
import uuid

import pytest

from .conftest import ADMIN, Sapi, job_for

pytestmark = pytest.mark.real

JOBS = {
    "1 read": {"num_reads": 1},
    "100 reads": {"num_reads": 100},
    "10 long anneals": {"num_reads": 10, "annealing_time": 100.0},
    "10 anneals with a pause": {
        "num_reads": 10,
        "anneal_schedule": [[0.0, 0.0], [20.0, 0.4], [40.0, 0.4], [60.0, 1.0]],
    },
    "10 uncorrelated reads": {"num_reads": 10, "reduce_intersample_correlation": True},
    "10 reads that thermalize": {"num_reads": 10, "readout_thermalization": 50.0, "programming_thermalization": 2000.0},
}


def check(name, future, num_qubits, params, books, findings):
    """The newest line of the ledger has what Ocean shows, and not more than was reserved."""
    cost_ns = round(future.timing["qpu_access_time"] * 1000)
    line = books.lines(1)[0]
    estimate_ns = round(future.solver.estimate_qpu_access_time(num_qubits, **params) * 1000)
    findings.costs.append((name, estimate_ns, line["estimate_ns"], cost_ns))

    assert (line["status"], line["access_time_ns"]) == ("settled", cost_ns)
    assert cost_ns <= line["estimate_ns"], "It cost more than was reserved: raise GATEWAY_MARGIN_PERCENT."


@pytest.mark.parametrize("name", JOBS)
def test_the_ledger_has_what_ocean_shows(name, qpu, books, findings):
    future = qpu.sample_ising({min(qpu.nodes): 1}, {}, **JOBS[name])

    assert sum(future.num_occurrences) == JOBS[name]["num_reads"]
    check(name, future, 1, JOBS[name], books, findings)


def test_a_problem_on_the_whole_chip(qpu, books, findings):
    params = {"num_reads": 10, "answer_mode": "raw"}

    future = qpu.sample_ising(dict.fromkeys(qpu.nodes, 0.1), dict.fromkeys(qpu.undirected_edges, -0.5), **params)

    assert len(future.samples) == 10
    check("10 reads of the whole chip", future, len(qpu.nodes), params, books, findings)


def test_reverse_annealing(qpu, books, findings):
    params = {"num_reads": 10, "anneal_schedule": [[0.0, 1.0], [10.0, 0.5], [20.0, 1.0]], "reinitialize_state": True}
    qubit = min(qpu.nodes)
    state = {qubit: 1}

    future = qpu.sample_ising({qubit: 1}, {}, initial_state=state, **params)

    assert sum(future.num_occurrences) == 10
    check("10 reverse anneals", future, 1, params | {"initial_state": state}, books, findings)


def test_a_batch_is_booked_job_by_job(qpu, books):
    futures = [qpu.sample_ising({min(qpu.nodes): 1}, {}, num_reads=reads) for reads in (1, 2, 3)]

    shown = sorted(round(future.timing["qpu_access_time"] * 1000) for future in futures)

    assert sorted(line["access_time_ns"] for line in books.lines(3)) == shown


def test_samples_are_what_the_problem_asks_for(qpu):
    """Answers come in the order of bits that Ocean reads, with qubits that are not its neighbors' mirror image."""
    up, down = next(iter(qpu.undirected_edges))

    future = qpu.sample_ising({up: -2, down: 2}, {}, num_reads=10)

    assert (future.samples[0][up], future.samples[0][down]) == (1, -1)


def test_what_nobody_fetches_is_booked_all_the_same(qpu, books, dwave, member):
    (status,) = member.ask("problems/", method="POST", json=[job_for(qpu)]).json()

    line = books.lines_without_open_ones()[0]

    timing = dwave.ask(f"problems/{status['id']}/answer", "problem-answer").json()["answer"]["timing"]
    assert (line["status"], line["access_time_ns"]) == ("settled", round(timing["qpu_access_time"] * 1000))


def test_what_dwave_refuses_costs_nothing(qpu, books, member):
    (refused,) = member.ask("problems/", method="POST", json=[job_for(qpu, no_such_parameter=1)]).json()

    assert refused["error_code"] == 400, refused
    assert books.lines(1)[0]["status"] == "released"


def test_a_job_that_does_not_fit_never_reaches_dwave(qpu, books, gateway, admin_key, dwave):
    job = job_for(qpu) | {"label": f"does not fit {uuid.uuid4()}"}
    books.give(1, f"users/{ADMIN}")

    (refused,) = Sapi(gateway, admin_key).ask("problems/", method="POST", json=[job]).json()

    assert "insufficient remaining solver access time" in refused["error_msg"]
    assert dwave.ask("problems/", params={"label": job["label"]}).json() == []


def test_dwave_ping(gateway, member_key, tmp_path):
    command = [f"{sys.prefix}/bin/dwave", "ping", "--client", "qpu"]
    environment = {"DWAVE_API_ENDPOINT": gateway, "DWAVE_API_TOKEN": member_key, "HOME": str(tmp_path)}

    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert finished.returncode == 0, finished.stdout
