"""Long polls, answers, information, and who may see them."""

import asyncio
import threading
import time

import aiohttp
import pytest
from dwave.cloud.coders import decode_qp

from .conftest import ALPHA

NOBODY = "00000000-0000-4000-8000-000000000000"
NOT_FOUND = "Problem does not exist or apitoken does not have access"


def test_a_poll_returns_as_soon_as_one_is_done(sapi, emulator, job):
    emulator.configure(run_delay=1)
    ids = [status["id"] for status in sapi.submit(job(), job(), job())]
    began = time.monotonic()

    statuses = sapi.get("problems/", id=",".join(ids), timeout=20).json()

    assert 0.2 < time.monotonic() - began < 15
    assert [status["id"] for status in statuses] == ids
    assert [status["status"] for status in statuses] == ["COMPLETED", "IN_PROGRESS", "PENDING"]
    assert "answer" not in statuses[0]


def test_held_polls_take_no_threads(sapi, emulator, job):
    emulator.configure(paused=True)
    [status] = sapi.submit(job())
    threads = threading.active_count()

    async def poll_and_release() -> list[int]:
        unlimited = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(headers={"X-Auth-Token": ALPHA}, connector=unlimited) as session:
            url = f"{emulator.endpoint}/problems/?timeout=30&id={status['id']}"
            polls = [asyncio.create_task(session.get(url)) for _ in range(200)]
            await asyncio.sleep(0.5)
            assert threading.active_count() < threads + 20
            assert not any(poll.done() for poll in polls)
            emulator.configure(paused=False)
            return [(await poll).status for poll in polls]

    assert asyncio.run(asyncio.wait_for(poll_and_release(), 25)) == [200] * 200


def test_a_poll_for_what_is_done_returns_at_once(sapi, emulator, job):
    [done] = sapi.run(job())
    emulator.configure(paused=True)
    [waiting] = sapi.submit(job())
    began = time.monotonic()

    statuses = sapi.get("problems/", id=f"{waiting['id']},{done['id']},{done['id']}", timeout=30).json()

    assert [status["status"] for status in statuses] == ["PENDING", "COMPLETED", "COMPLETED"]
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("query", [{}, {"timeout": 2}])
def test_a_poll_returns_when_its_time_is_over(sapi, emulator, job, query):
    emulator.configure(paused=True)
    [status] = sapi.submit(job())
    began = time.monotonic()

    assert sapi.get("problems/", id=status["id"], **query).json() == [status]
    assert query.get("timeout", 1) - 0.1 < time.monotonic() - began < 15


def test_cancelling_ends_a_poll(sapi, emulator, job):
    emulator.configure(paused=True)
    [status] = sapi.submit(job())
    emulator.fault("poll", "delay", seconds=0.2)  # so that it is held when the problem is cancelled
    sapi.request("DELETE", f"problems/{status['id']}")
    began = time.monotonic()

    assert sapi.get("problems/", id=status["id"], timeout=30).json()[0]["status"] == "CANCELLED"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("timeout", ["0", "31", "-1", "1.5", "x", ""])
def test_other_timeouts_are_refused(sapi, job, timeout):
    [status] = sapi.submit(job())

    assert sapi.get("problems/", id=status["id"], timeout=timeout).status_code == 400
    assert sapi.get(f"problems/{status['id']}", timeout=timeout).status_code == 400


def test_one_unknown_id_fails_the_poll(sapi, job):
    [status] = sapi.submit(job())

    response = sapi.get("problems/", id=f"{status['id']},{NOBODY}")

    assert (response.status_code, response.text) == (404, NOT_FOUND)


def test_more_than_a_thousand_ids_are_refused(sapi):
    assert sapi.get("problems/", id="," * 1000).status_code == 400


def test_everything_about_a_problem(sapi, job, qpu):
    sent = job(num_reads=3, label="all of it")
    [problem] = sapi.run(sent)
    path = f"problems/{problem['id']}"

    info = sapi.get(f"{path}/info").json()
    assert (info["id"], info["data"], info["params"]) == (problem["id"], sent["data"], {"num_reads": 3})
    assert info["metadata"] == {
        "submitted_by": ALPHA,  # in clear, like the real service
        "solver": qpu.identity,
        "type": "ising",
        "submitted_on": problem["submitted_on"],
        "solved_on": problem["solved_on"],
        "status": "COMPLETED",
        "messages": [],
        "label": "all of it",
    }
    assert info["answer"] == problem["answer"]
    assert sapi.get(f"{path}/answer").json() == {"answer": problem["answer"]}
    assert sapi.get(f"{path}/messages").json() == []
    assert sapi.get(f"{path}/answer/data").status_code == 404


def test_there_is_no_answer_before_the_end(sapi, emulator, job):
    emulator.configure(paused=True)
    [status] = sapi.submit(job())

    assert sapi.get(f"problems/{status['id']}/answer").status_code == 404
    assert "answer" not in sapi.get(f"problems/{status['id']}/info").json()
    assert sapi.get(f"problems/{status['id']}", timeout=1).json() == status


@pytest.mark.parametrize("path", ["", "/", "/info", "/info/", "/answer", "/answer/", "/answer/data", "/messages"])
def test_strangers_find_nothing(sapi, stranger, job, path):
    [problem] = sapi.run(job())

    response = stranger.get(f"problems/{problem['id']}{path}")

    assert response.status_code == 404
    assert NOT_FOUND in response.text
    assert stranger.get("problems/", id=problem["id"]).status_code == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("solvers/remote", "solver-definition-list"),
        ("solvers/remote/Advantage_emulator1.1", "solver-definition"),
        ("problems", "problems"),
        ("problems/{id}", "problem"),
        ("problems/{id}/info", "problem-data"),
        ("problems/{id}/answer", "problem-answer"),
        ("problems/{id}/messages", "problem-message"),
    ],
)
def test_every_path_works_with_and_without_slash(sapi, job, path, kind):
    [problem] = sapi.run(job())

    for slash in ("", "/"):
        response = sapi.request("GET", path.format(id=problem["id"]) + slash, allow_redirects=False)
        assert response.status_code == 200
        media_type = f"application/vnd.dwave.sapi.{kind}+json; version=3.0.0; charset=utf-8"
        assert response.headers["Content-Type"] == media_type


@pytest.mark.parametrize("token", [None, "", "DEV-unknown"])
def test_unknown_tokens_are_refused(sapi, job, token):
    [problem] = sapi.run(job())

    for method, path in [
        ("GET", "solvers/remote/"),
        ("POST", "problems/"),
        ("GET", "problems/"),
        ("DELETE", "problems/"),
        ("GET", f"problems/{problem['id']}"),
        ("POST", "bqm/multipart"),
    ]:
        assert sapi.request(method, path, headers={"X-Auth-Token": token}).status_code == 401


def test_samples_are_repeatable(sapi, emulator, job, qpu):
    def states() -> list:
        emulator.reset()
        flat = {int(qubit): 0.0 for qubit in qpu.graph.qubits[:30]}
        return decode_qp(sapi.run(job(flat, num_reads=5))[0])["solutions"]

    assert states() == states()
