"""Cancelling: every one of its answers."""

import pytest

from .conftest import ALPHA

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def queue(sapi, emulator, job):
    """One problem that is done, one that runs, one that waits: their ids."""
    [done] = sapi.run(job())
    emulator.configure(run_delay=1.0)
    running, waiting = (status["id"] for status in sapi.submit(job(), job()))
    while sapi.get("problems/", max_results=2).json()[1]["status"] == "PENDING":
        pass
    return [done["id"], running, waiting]


def test_many(sapi, queue):
    response = sapi.request("DELETE", "problems/", json=[*queue, NOBODY])

    done, running, waiting, unknown = response.json()
    assert done == {"error_code": 409, "error_msg": "Problem has been finished."}
    assert running == {"error_code": 202, "error_msg": "Attempting to cancel problem in progress."}
    assert waiting["status"] == "CANCELLED"
    assert "solved_on" in waiting
    assert unknown["error_code"] == 404


def test_one_at_a_time(sapi, queue):
    answers = [sapi.request("DELETE", f"problems/{problem_id}") for problem_id in [*queue, NOBODY]]

    assert [answer.status_code for answer in answers] == [409, 202, 200, 404]
    assert answers[1].headers["Content-Type"].startswith("application/vnd.dwave.sapi.problem+json; version=3")


def test_what_was_cancelled_is_never_charged(sapi, emulator, queue):
    done, running, waiting = queue
    sapi.request("DELETE", "problems/", json=queue)

    assert sapi.wait(waiting)["status"] == "CANCELLED"
    assert sapi.wait(running)["status"] == "COMPLETED"  # a QPU does not stop
    assert [entry["problem_id"] for entry in emulator.ledger(ALPHA)["entries"]] == [done, running]
    assert "answer" not in sapi.get(f"problems/{waiting}").json()


def test_an_empty_body_cancels_nothing(sapi):
    assert sapi.request("DELETE", "problems/").json() == []


def test_strangers_cannot_cancel(stranger, queue):
    codes = [item["error_code"] for item in stranger.request("DELETE", "problems/", json=queue).json()]

    assert codes == [404, 404, 404]


@pytest.mark.parametrize("body", [{"id": "x"}, [1], "x"])
def test_other_bodies_are_refused(sapi, body):
    assert sapi.request("DELETE", "problems/", json=body).status_code == 400
