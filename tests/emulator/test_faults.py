"""Faults: before and after a request is acted on, and wrong answers."""

import time

import pytest
import requests

from .conftest import ALPHA


def count_submitted(sapi) -> int:
    return len(sapi.get("problems/").json())


@pytest.mark.parametrize(("when", "submitted"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["drop", "hang"])
def test_a_submit_may_be_lost_before_or_after_it_is_accepted(sapi, emulator, job, kind, when, submitted):
    emulator.fault("submit", kind, when=when, seconds=0.1)

    with pytest.raises(requests.ConnectionError):
        sapi.submit(job())
    assert count_submitted(sapi) == submitted
    assert len(sapi.submit(job())) == 1  # it happens once


@pytest.mark.parametrize(("when", "submitted"), [("before", 0), ("after", 1)])
def test_server_errors(sapi, emulator, job, when, submitted):
    emulator.fault("submit", "status", status=503, retry_after=2, message="Busy", when=when)
    emulator.fault("list", "status", status=500)

    response = sapi.request("POST", "problems/", json=[job()])
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert response.json() == {"error_code": 503, "error_msg": "Busy"}
    response = sapi.get("problems/")
    assert (response.status_code, response.headers.get("Retry-After")) == (500, None)
    assert count_submitted(sapi) == submitted


def test_html_instead_of_an_answer(sapi, emulator):
    emulator.fault("solvers", "html", status=200)

    response = sapi.get("solvers/remote/")
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<html>" in response.text


def test_late_answers(sapi, emulator, job):
    emulator.fault("submit", "delay", seconds=0.3, when="after")
    began = time.monotonic()

    assert sapi.submit(job())[0]["id"]
    assert time.monotonic() - began >= 0.3


def test_wrong_content_type(sapi, emulator):
    emulator.fault("list", "no_version")

    assert sapi.get("problems/").headers["Content-Type"] == "application/vnd.dwave.sapi.problems+json"


def test_answers_that_are_no_json(sapi, emulator):
    emulator.fault("list", "not_json")

    with pytest.raises(requests.JSONDecodeError):
        sapi.get("problems/").json()


def test_torn_answers(sapi, emulator):
    emulator.fault("solvers", "cut")

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        sapi.get("solvers/remote/")


def test_wrong_ids(sapi, emulator, job):
    first, second = (problem["id"] for problem in sapi.run(job(), job()))
    emulator.fault("poll", "wrong_ids")
    emulator.fault("poll", "missing_ids")
    emulator.fault("submit", "wrong_ids")

    def poll() -> list[str]:
        return [status["id"] for status in sapi.get("problems/", id=f"{first},{second}").json()]

    assert not {first, second} & set(poll())
    assert poll() == [first]
    assert poll() == [first, second]
    wrong = sapi.submit(job())[0]["id"]
    assert sapi.get(f"problems/{wrong}").status_code == 404


def test_answers_without_timing_are_charged_all_the_same(sapi, emulator, job):
    [problem] = sapi.run(job())
    emulator.fault("problem", "no_timing")
    emulator.fault("info", "no_timing")

    for path in ("", "/info"):
        answer = sapi.get(f"problems/{problem['id']}{path}").json()["answer"]
        assert answer.keys() == problem["answer"].keys() - {"timing"}
    assert emulator.ledger(ALPHA)["problems"] == 1


def test_items_may_be_refused_or_fail(sapi, emulator, job):
    emulator.fault("item", "refuse", skip=1)
    emulator.fault("item", "fail", skip=1, message="Chip too warm")

    first, refused, failed = sapi.submit(job(), job(), job())

    assert sapi.wait(first["id"])["status"] == "COMPLETED"
    assert refused["error_code"] == 403
    assert "insufficient remaining solver access time" in refused["error_msg"]
    assert sapi.wait(failed["id"])["error_message"] == "Chip too warm"
    assert emulator.ledger(ALPHA)["problems"] == 1


def test_faults_are_counted(sapi, emulator):
    emulator.fault("list", "status", skip=1, times=2)

    assert [sapi.get("problems/").status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_faults_hit_the_token_they_are_for(sapi, stranger, emulator):
    emulator.fault("any", "status", times=None, token=ALPHA)

    assert sapi.get("solvers/remote/").status_code == 503
    assert stranger.get("solvers/remote/").status_code == 200
    emulator.clear_faults()
    assert sapi.get("solvers/remote/").status_code == 200


def test_faults_may_be_left_to_chance(sapi, emulator):
    emulator.fault("list", "status", times=None, share=0.5)

    assert {sapi.get("problems/").status_code for _ in range(30)} == {200, 503}
