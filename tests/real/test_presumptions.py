"""What D-Wave's documents say, or do not, and the portal relies on. Nothing here costs more than a read or two."""

import re
import time

import pytest

from .conftest import TOKEN, Sapi, job_for

pytestmark = pytest.mark.real

NOBODYS = "00000000-0000-4000-8000-000000000000"
MARKER = re.compile(r"\[luna:\d+:[0-9a-f]{12}\]$")
TERMINAL = {"COMPLETED", "FAILED", "CANCELLED"}


def submit(member, qpu, **job):
    """D-Wave's answer to the submission of one problem."""
    (status,) = member.ask("problems/", method="POST", json=[job_for(qpu) | job]).json()
    return status


def ended(member, problem_id):
    """The status of a problem when it has ended."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        (status,) = member.ask("problems/", params={"id": problem_id, "timeout": 30}).json()
        if status["status"] in TERMINAL:
            return status
    pytest.fail(f"Problem {problem_id} does not end.")


@pytest.fixture(scope="module")
def problem(member, qpu):
    """The id of a problem that has been solved, labeled by its owner with “presumed”."""
    problem_id = submit(member, qpu, label="presumed")["id"]
    assert ended(member, problem_id)["status"] == "COMPLETED"
    return problem_id


# --- Finding problems again -------------------------------------------------------------------------------------------


def test_a_label_keeps_the_mark_and_is_found_by_a_part_of_it(dwave, member, problem, found):
    label = dwave.ask(f"problems/{problem}/", "problem").json()["label"]
    marker = MARKER.search(label)[0]

    by_mark = dwave.ask("problems/", params={"label": marker, "max_results": "10"}).json()

    assert label == f"presumed {marker}"
    assert [each["id"] for each in by_mark] == [problem]
    assert member.ask(f"problems/{problem}/", "problem").json()["label"] == "presumed"
    found()


def test_a_problem_is_found_as_soon_as_it_was_taken(dwave, member, qpu, found):
    problem_id = submit(member, qpu)["id"]
    taken_at = time.monotonic()
    label = dwave.ask(f"problems/{problem_id}/", "problem").json()["label"]

    while problem_id not in [each["id"] for each in dwave.ask("problems/", params={"label": label}).json()]:
        assert time.monotonic() < taken_at + 120, "The portal takes what it does not find for 3 minutes as lost."
        time.sleep(1)

    found(f"after {time.monotonic() - taken_at:.1f} s")


def test_a_poll_with_an_unknown_id_is_404_as_a_whole(dwave, problem, found):
    answer = dwave.ask("problems/", params={"id": f"{problem},{NOBODYS}", "timeout": 1})

    assert answer.status_code == 404, answer.text
    found(answer.text)


def test_a_poll_answers_exactly_the_ids_asked_for(dwave, problem, found):
    answer = dwave.ask("problems/", params={"id": problem, "timeout": 30})

    assert [each["id"] for each in answer.json()] == [problem]
    found()


@pytest.mark.parametrize("timeout", ["0", "31"])
def test_a_poll_waits_from_1_to_30_seconds(dwave, problem, timeout, found):
    answer = dwave.ask("problems/", params={"id": problem, "timeout": timeout})

    assert answer.status_code == 400, answer.text
    found()


@pytest.mark.parametrize("rest", ["", "/info", "/answer", "/messages"])
def test_an_unknown_problem_is_404(dwave, rest, found):
    assert dwave.ask(f"problems/{NOBODYS}{rest}").status_code == 404
    found()


def test_a_listing_knows_no_other_status_and_takes_any_solver(dwave, found):
    assert dwave.ask("problems/", params={"status": "NO_SUCH"}).status_code == 400
    assert dwave.ask("problems/", params={"solver": "no_such_solver"}).json() == []
    found()


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_only_answers_tell_the_timing(dwave, problem, found):
    in_poll = dwave.ask("problems/", params={"id": problem}).json()[0]
    answers = [
        dwave.ask(f"problems/{problem}/", "problem").json()["answer"],
        dwave.ask(f"problems/{problem}/answer", "problem-answer").json()["answer"],
        dwave.ask(f"problems/{problem}/info", "problem-data").json()["answer"],
    ]

    assert "answer" not in in_poll
    assert answers[0]["timing"]["qpu_access_time"] > 0
    assert answers[0]["timing"] == answers[1]["timing"] == answers[2]["timing"]
    found()


def test_times_have_two_decimals(dwave, problem, found):
    timing = dwave.ask(f"problems/{problem}/answer", "problem-answer").json()["answer"]["timing"]

    cost_us = timing["qpu_access_time"]

    assert round(cost_us, 2) == cost_us
    assert abs(timing["qpu_programming_time"] + timing["qpu_sampling_time"] - cost_us) < 1
    found(f"{cost_us} µs")


def test_a_submission_may_be_answered_with_the_solution(member, qpu, found):
    status = submit(member, qpu)["status"]

    assert status in {"PENDING", "IN_PROGRESS", "COMPLETED"}
    found(f"this time it was {status}")


def test_nobody_sees_who_submitted(dwave, member, problem, found):
    told = dwave.ask(f"problems/{problem}/info", "problem-data").json()["metadata"].get("submitted_by")

    shown = member.ask(f"problems/{problem}/info", "problem-data").text

    assert TOKEN not in shown
    found("D-Wave tells the token itself" if told == TOKEN else "D-Wave tells something else than the token")


# --- Cancelling -------------------------------------------------------------------------------------------------------


def test_cancelling_what_has_ended_is_a_conflict(dwave, problem, found):
    single = dwave.ask(f"problems/{problem}", "problem", method="DELETE")
    ended, unknown = dwave.ask("problems/", method="DELETE", json=[problem, NOBODYS]).json()

    assert (single.status_code, ended["error_code"], unknown["error_code"]) == (409, 409, 404)
    found(ended["error_msg"])


def test_cancelling_in_time_costs_nothing(member, books, qpu, found):
    problem_id = submit(member, qpu)["id"]

    answer = member.ask(f"problems/{problem_id}", "problem", method="DELETE")

    assert answer.status_code in {200, 202, 409}
    status = ended(member, problem_id)["status"]
    line = books.lines_without_open_ones()[0]
    assert line["status"] == ("released" if status == "CANCELLED" else "settled")
    found(f"HTTP {answer.status_code}, and the problem was {status}")


# --- Solvers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["dwave", "member"])
def test_a_list_of_solvers_is_not_sent_twice(side, request, found):
    sapi = request.getfixturevalue(side)
    path, kind = "solvers/remote/?filter=all,-status,-avg_load", "solver-definition-list"
    first = sapi.ask(path, kind)

    again = sapi.ask(path, kind, headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    found(f"Cache-Control {first.headers['Cache-Control']}")


def test_every_qpu_tells_what_estimates_need(dwave, found):
    solvers = dwave.ask("solvers/remote/", "solver-definition-list").json()
    qpus = {each["identity"]["name"]: each for each in solvers if each["properties"].get("category") == "qpu"}

    versions = {name: each["properties"]["problem_timing_data"]["version"] for name, each in qpus.items()}

    assert all(version.startswith("1.0.") for version in versions.values()), versions
    assert all(each["identity"]["version"]["graph_id"] for each in qpus.values())
    found(", ".join(qpus))


def test_every_hybrid_solver_tells_its_conversion_rate(dwave, found):
    solvers = dwave.ask("solvers/remote/", "solver-definition-list").json()

    rates = {
        each["identity"]["name"]: each["properties"].get("quota_conversion_rate")
        for each in solvers
        if each["properties"].get("category") == "hybrid"
    }

    assert all(rates.values()), rates
    found(rates)


def test_an_unknown_solver_is_404(dwave, found):
    assert dwave.ask("solvers/remote/no_such_solver", "solver-definition").status_code == 404
    found()


def test_a_wrong_token_is_401(endpoint, found):
    wrong = Sapi(endpoint, "no-such-token-0000000000")

    assert wrong.ask("solvers/remote/", "solver-definition-list").status_code == 401
    found()
