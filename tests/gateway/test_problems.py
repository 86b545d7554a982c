"""Waiting for problems, reading them, cancelling them; and that nobody reaches those of others."""

import time

import pytest
from django.utils import timezone

from gateway.models import Problem
from gateway.services import record
from tests.conftest import SECRET
from tokens.services import upload_token

from .conftest import SAPI, eventually

READS = [
    "problems/?id={}",
    "problems/{}",
    "problems/{}/",
    "problems/{}/info",
    "problems/{}/answer",
    "problems/{}/messages",
    "problems/{}/answer/data/",
]


@pytest.fixture
def impatient(monkeypatch):
    """Trouble is told sooner than clients like it."""
    monkeypatch.setattr("gateway.calls.RETRY_SECONDS", 0.05)


class TestIsolation:
    @pytest.fixture
    def alices_problem(self, alices, job):
        return alices.run(job())["id"]

    @pytest.fixture
    def statuses_of_reads(self, alices_problem):
        def read_by(client):
            answers = [client.get(path.format(alices_problem)) for path in READS]
            words = {answer.json().get("error_msg") for answer in answers if answer.status_code == 404}
            assert words <= {"Problem does not exist or apitoken does not have access"}
            return {answer.status_code for answer in answers}

        return read_by

    def test_problems_of_others_are_not_found(self, statuses_of_reads, bobs):
        assert statuses_of_reads(bobs) == {404}

    def test_problems_of_other_organizations_are_not_found(self, statuses_of_reads, sapi, charlie):
        upload_token(scope="group", provider="dwave", name="lab", secret="another", by=charlie)

        assert statuses_of_reads(sapi(charlie)) == {404}

    def test_problems_of_another_token_are_not_found(self, statuses_of_reads, sapi, alice):
        upload_token(scope="group", provider="dwave", name="second", secret="another", by=alice)

        assert statuses_of_reads(sapi(alice, name="second")) == {404}

    def test_one_that_is_not_mine_refuses_the_whole_poll(self, alices_problem, bobs, job):
        mine = bobs.submit_id(job())

        assert bobs.get("problems/", id=f"{mine},{alices_problem}").status_code == 404

    def test_listings_are_of_my_own(self, alices_problem, bobs, alices, job):
        mine = bobs.submit_id(job())

        assert [problem["id"] for problem in bobs.get("problems/").json()] == [mine]
        assert [problem["id"] for problem in alices.get("problems/").json()] == [alices_problem]

    def test_i_cannot_cancel_those_of_others(self, dwave, alices, bobs, job):
        dwave.configure(paused=True)
        alices_problem, mine = alices.submit_id(job()), bobs.submit_id(job())

        assert bobs.delete(f"problems/{alices_problem}").status_code == 404
        outcome = bobs.delete("problems/", json=[alices_problem, mine]).json()

        assert [words.get("error_code") for words in outcome] == [404, None]
        assert [problem["status"] for problem in dwave.problems()] == ["PENDING", "CANCELLED"]

    def test_uploads_have_owners(self, alices, bobs, job, hybrid):
        upload_id = alices.post("bqm/multipart", json={"size": 4}).json()["id"]

        for method, path in [("GET", "status"), ("PUT", "part/1"), ("POST", "combine")]:
            assert bobs.request(method, f"bqm/multipart/{upload_id}/{path}", data=b"text").status_code == 404
        data = {"format": "ref", "data": upload_id}
        (item,) = bobs.submit({"solver": hybrid.identity, "type": "bqm", "params": {"time_limit": 5}, "data": data})
        assert item["error_code"] == 400
        assert alices.get(f"bqm/multipart/{upload_id}/status").status_code == 200

    def test_odd_ids_are_not_found(self, bobs):
        for odd in ["%00", "..%2e", "x" * 5000, "a%2Fb", "é", ","]:
            assert bobs.get(f"problems/{odd}/info").status_code == 404, odd
            assert bobs.get(f"problems/?id={odd}").status_code == 404, odd


class TestPolling:
    def test_it_holds_until_a_problem_has_ended(self, dwave, bobs, job):
        dwave.configure(queue_delay=1.5)
        slow = bobs.submit_id(job())
        started = time.monotonic()

        (status,) = bobs.get("problems/", id=slow, timeout=20).json()

        assert status["status"] == "COMPLETED"
        assert 1 < time.monotonic() - started < 15

    def test_it_ends_with_the_time_that_was_asked_for(self, dwave, bobs, job):
        dwave.configure(paused=True)
        waiting = bobs.submit_id(job())
        started = time.monotonic()

        (status,) = bobs.get("problems/", id=waiting, timeout=2).json()

        assert status["status"] == "PENDING"
        assert 1.9 < time.monotonic() - started < 15

    def test_it_tells_of_exactly_those_asked_for_as_often_as_asked_for(self, bobs, job):
        first, second = (item["id"] for item in bobs.submit(job(), job()))

        answer = bobs.get("problems/", id=f"{second},{first},{second}", timeout=5)

        assert [status["id"] for status in answer.json()] == [second, first, second]
        assert answer.headers["Content-Type"].startswith(f"{SAPI}problems+json; version=3.")

    def test_many_are_asked_for_in_parts(self, dwave, bobs, job, monkeypatch):
        monkeypatch.setattr("gateway.wire.PART", 2)
        ended = [bobs.submit_id(job()) for _ in range(2)]
        for problem_id in ended:
            bobs.wait(problem_id)
        dwave.configure(paused=True)
        waiting = [item["id"] for item in bobs.submit(*[job()] * 5)]
        ids = [*waiting[:3], *ended, *waiting[3:]]

        began = time.monotonic()
        answer = bobs.get("problems/", id=",".join(ids), timeout=30).json()

        assert time.monotonic() - began < 20, "those that wait do not hold up those that have ended"
        assert [status["id"] for status in answer] == ids
        assert [status["status"] for status in answer] == ["PENDING"] * 3 + ["COMPLETED"] * 2 + ["PENDING"] * 2

    def test_a_thousand_can_be_asked_for_at_once(self, dwave, bobs, job):
        dwave.configure(paused=True)
        ids = [item["id"] for item in bobs.submit(*[job()] * 200)]
        asked_for = ids * 5

        answer = bobs.get("problems/", id=",".join(asked_for), timeout=1).json()

        assert [status["id"] for status in answer] == asked_for

    def test_it_refuses_other_times(self, bobs):
        for timeout in ["0", "31", "x", "-1", "1.5", "", "\u0663", "9" * 5000]:
            assert bobs.get("problems/", id="x", timeout=timeout).status_code == 400

    def test_it_refuses_more_ids_than_dwave(self, bobs):
        assert bobs.get("problems/", id=",".join("x" * 1001)).status_code == 400

    @pytest.mark.parametrize("kind", ["missing_ids", "wrong_ids"])
    def test_what_dwave_leaves_out_is_told_as_it_is_known_and_not_at_once(self, dwave, bobs, job, kind):
        dwave.configure(paused=True)
        problem_id = bobs.submit_id(job())
        dwave.fault("poll", kind)
        started = time.monotonic()

        (status,) = bobs.get("problems/", id=problem_id, timeout=1).json()

        assert (status["id"], status["status"]) == (problem_id, "PENDING")
        assert time.monotonic() - started > 0.9

    @pytest.mark.parametrize(
        ("kind", "details"),
        [("status", {"status": 500}), ("html", {}), ("drop", {"times": 2}), ("not_json", {}), ("cut", {})],
    )
    def test_trouble_upstream_is_a_503_to_be_tried_again_later(self, dwave, bobs, job, impatient, kind, details):
        problem_id = bobs.submit_id(job())
        dwave.fault("poll", kind, **details)

        answer = bobs.get("problems/", id=problem_id)

        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"

    def test_trouble_is_not_told_at_once_for_the_client_would_ask_again_at_once(self, dwave, bobs, job):
        problem_id = bobs.submit_id(job())
        dwave.revoke_tokens(SECRET)
        started = time.monotonic()

        assert bobs.get("problems/", id=problem_id).status_code == 502
        assert time.monotonic() - started > 1.9

    def test_the_end_of_a_problem_is_final(self, bobs, job):
        problem_id = bobs.submit_id(job())
        bobs.wait(problem_id)
        stale = Problem.objects.get(upstream_id=problem_id)
        stale.status = "PENDING"
        record(stale, {"status": "IN_PROGRESS"}, timezone.now())

        assert Problem.objects.get(upstream_id=problem_id).status == "COMPLETED"


class TestListing:
    def test_it_filters(self, dwave, bobs, job, qpu):
        done = bobs.submit_id(job(label="first of two"))
        bobs.wait(done)
        dwave.configure(paused=True)
        waiting = bobs.submit_id(job(label="second of two"))

        def listed(**query):
            return [problem["id"] for problem in bobs.get("problems/", **query).json()]

        assert listed() == [waiting, done]
        assert listed(status="COMPLETED") == [done]
        assert listed(label="second") == [waiting]
        assert listed(label="of two", max_results=1) == [waiting]
        assert listed(solver=qpu.name) == [waiting, done]
        assert listed(solver="no_such_solver") == listed(label="\0") == []

    @pytest.mark.parametrize(
        "query", [{"status": "DONE"}, {"max_results": "0"}, {"max_results": "1001"}, {"max_results": "x"}]
    )
    def test_it_refuses_what_dwave_refuses(self, bobs, query):
        assert bobs.get("problems/", **query).status_code == 400


class TestReading:
    def test_the_token_is_never_shown_as_the_one_who_submitted(self, bobs, bob, job):
        problem_id = bobs.run(job())["id"]

        info = bobs.get(f"problems/{problem_id}/info").json()

        assert info["metadata"]["submitted_by"] == bob.user.email
        assert info["params"] == {}

    def test_an_answer_is_404_until_it_is_there(self, dwave, bobs, job):
        dwave.configure(paused=True)
        problem_id = bobs.submit_id(job())

        assert bobs.get(f"problems/{problem_id}/answer").status_code == 404

    def test_it_shows_messages(self, bobs, job):
        problem_id = bobs.submit_id(job())

        assert bobs.get(f"problems/{problem_id}/messages").json() == []

    @pytest.mark.parametrize("kind", ["html", "not_json", "wrong_ids", "cut"])
    @pytest.mark.parametrize(("on", "path"), [("problem", ""), ("info", "/info")])
    def test_nonsense_from_dwave_is_not_handed_on(self, dwave, bobs, job, impatient, kind, on, path):
        problem_id = bobs.run(job())["id"]
        dwave.fault(on, kind)

        assert bobs.get(f"problems/{problem_id}{path}").status_code == 503
        assert bobs.get(f"problems/{problem_id}{path}").json()["id"] == problem_id

    def test_the_token_in_an_error_of_dwaves_is_hidden(self, dwave, bobs, job):
        problem_id = bobs.run(job())["id"]
        dwave.fault("problem", "status", status=400, message=f"token {SECRET} is odd")

        answer = bobs.get(f"problems/{problem_id}")

        assert answer.json() == {"error_code": 400, "error_msg": "token [hidden] is odd"}

    @pytest.mark.parametrize(("on", "kind"), [("problem", "status"), ("data", "status"), ("item", "refuse")])
    def test_the_token_where_an_error_of_dwaves_is_cut_does_not_show_in_part(self, dwave, bobs, job, on, kind):
        problem_id = bobs.run(job())["id"]
        dwave.fault(on, kind, status=400, message="x" * 480 + SECRET)

        answers = {
            "problem": lambda: bobs.get(f"problems/{problem_id}").json(),
            "data": lambda: bobs.get(f"problems/{problem_id}/answer/data").json(),
            "item": lambda: bobs.post("problems/", json=[job()]).json()[0],
        }

        assert answers[on]()["error_msg"] == "x" * 480 + "[hidden]"


class TestCancelling:
    def test_it_gives_the_time_back(self, dwave, bobs, job, statuses):
        dwave.configure(paused=True)
        problem_id = bobs.submit_id(job(label="mine"))

        (words,) = bobs.delete("problems/", json=[problem_id]).json()

        assert (words["status"], words["label"]) == ("CANCELLED", "mine")
        assert statuses() == ["released"]

    def test_it_cancels_one(self, dwave, bobs, job, statuses):
        dwave.configure(paused=True)
        problem_id = bobs.submit_id(job())

        assert bobs.delete(f"problems/{problem_id}").json()["status"] == "CANCELLED"
        assert statuses() == ["released"]

    def test_what_has_ended_stays_as_it_is(self, bobs, job, statuses):
        problem_id = bobs.run(job())["id"]

        assert bobs.delete("problems/", json=[problem_id]).json()[0]["error_code"] == 409
        assert bobs.delete(f"problems/{problem_id}").status_code == 409
        assert statuses() == ["settled"]

    def test_what_runs_is_only_asked_to_stop(self, dwave, bobs, job):
        dwave.configure(run_delay=3.0)
        problem_id = bobs.submit_id(job())
        eventually(lambda: dwave.problems()[0]["status"] == "IN_PROGRESS")
        bobs.get("problems/", id=problem_id, timeout=1)

        (words,) = bobs.delete("problems/", json=[problem_id]).json()
        single = bobs.delete(f"problems/{problem_id}")

        assert words["error_code"] == single.status_code == single.json()["error_code"] == 202
        assert bobs.get("problems/").json()[0]["status"] == "IN_PROGRESS"
        assert bobs.wait(problem_id)["status"] == "COMPLETED"

    def test_it_refuses_what_is_no_list_of_ids(self, bobs):
        for body in ["", "{", "[]", "{}", "[1]", '"x"']:
            assert bobs.delete("problems/", data=body).status_code == 400

    @pytest.mark.parametrize("kind", ["html", "not_json", "wrong_ids", "drop", "missing_ids"])
    def test_nonsense_from_dwave_releases_nothing(self, dwave, bobs, job, statuses, kind):
        dwave.configure(paused=True)
        problem_id = bobs.submit_id(job())
        dwave.fault("cancel", kind, when="after")

        bobs.delete("problems/", json=[problem_id])

        assert statuses() == ["reserved"]
