"""Submitting problems: what is booked, what is refused, and what a program is told."""

import json
import zlib
from datetime import UTC, datetime

import pytest
from django.db import OperationalError

from gateway.models import Problem
from quotas.models import RefusedJobs, Usage
from tests.conftest import SECRET

from .conftest import biases, eventually


class TestBooking:
    def test_it_books_what_the_problem_really_cost(self, bobs, job, booked, ran, statuses):
        problem = bobs.run(job(num_reads=10))

        assert problem["status"] == "COMPLETED"
        assert statuses() == ["settled"]
        assert booked() == ran() == round(problem["answer"]["timing"]["qpu_access_time"] * 1000)

    def test_it_reserves_the_vendors_estimate_and_five_percent(self, dwave, bobs, job):
        dwave.configure(paused=True)

        bobs.submit(job(num_reads=10))

        usage = Usage.objects.get()
        assert usage.status == "reserved"
        dwave.configure(paused=False)
        bobs.wait(Problem.objects.get().upstream_id)
        usage.refresh_from_db()
        assert usage.estimate_ns == pytest.approx(usage.access_time_ns * 1.05, rel=1e-5)

    def test_it_settles_from_the_answer_to_the_submission(self, dwave, bobs, job, booked, ran):
        dwave.configure(submit_wait=5)

        (item,) = bobs.submit(job())

        assert item["status"] == "COMPLETED"
        assert booked() == ran() > 0

    @pytest.mark.parametrize("path", ["{}/", "{}", "{}/info", "{}/answer"])
    def test_it_settles_once_from_whichever_answer_comes_first(self, dwave, bobs, job, booked, ran, path):
        problem_id = bobs.submit_id(job())
        bobs.get("problems/", id=problem_id, timeout=5)

        for _ in range(2):
            assert bobs.get("problems/" + path.format(problem_id)).status_code == 200

        assert booked() == ran() > 0

    def test_it_counts_against_group_and_user(self, bobs, bob, assign, job, ran):
        group, user = assign(None, 10**9), assign(bob, 10**9)

        bobs.run(job())

        for policy in (group, user):
            policy.refresh_from_db()
            assert (policy.used_ns, policy.reserved_ns) == (ran(), 0)

    def test_it_meters_personal_tokens_without_a_quota(self, sapi, bob, bobs_token, job, booked, ran):
        sapi(bob, name="mine", word="private").run(job())

        assert booked() == ran() > 0
        assert Usage.objects.get().organization_id is None


class TestTimeLeft:
    def test_the_answer_tells_what_the_next_job_may_take(self, bobs, bob, assign, job):
        assign(None, 10**9)
        user = assign(bob, 10**8)

        answer = bobs.post("problems/", json=[job()])

        user.refresh_from_db()
        assert int(answer.headers["X-Portal-Time-Left-Ns"]) == 10**8 - user.reserved_ns - user.used_ns

    def test_it_is_nothing_outside_of_the_window(self, bobs, assign, job):
        assign(None, 10**12, start=datetime(2040, 1, 1, tzinfo=UTC))

        assert bobs.post("problems/", json=[job()]).headers["X-Portal-Time-Left-Ns"] == "0"

    def test_it_is_no_reason_to_lose_an_id(self, bobs, job, monkeypatch):
        def fail(*args):
            raise OperationalError("server closed the connection")

        monkeypatch.setattr("gateway.services.time_left_ns", fail)

        assert bobs.submit_id(job())

    def test_it_is_not_told_where_nothing_limits(self, bobs, job):
        assert "X-Portal-Time-Left-Ns" not in bobs.post("problems/", json=[job()]).headers


class TestForms:
    def test_it_takes_a_single_problem_for_a_single_one(self, bobs, job):
        answer = bobs.post("problems/", json=job())

        assert answer.status_code == 200
        assert answer.json()["id"]

    def test_it_takes_batches_in_their_order(self, bobs, job):
        items = bobs.submit(*(job(label=str(number)) for number in range(20)))

        assert [item["label"] for item in items] == [str(number) for number in range(20)]

    @pytest.mark.parametrize("path", ["problems", "problems/"])
    def test_it_reads_compressed_bodies(self, bobs, job, path):
        body = zlib.compress(json.dumps([job()]).encode())

        answer = bobs.post(path, data=body, headers={"Content-Encoding": "deflate"})

        assert answer.json()[0]["id"]

    def test_it_reads_compressed_bodies_in_chunks(self, bobs, job):
        body = zlib.compress(json.dumps([job()]).encode())
        chunks = (body[at : at + 100] for at in range(0, len(body), 100))

        answer = bobs.post("problems/", data=chunks, headers={"Content-Encoding": "deflate"})

        assert answer.json()[0]["id"]

    @pytest.mark.parametrize("label", ["", "mine", "x" * 1024, "ends with [luna:1:0123456789ab"])
    def test_labels_come_back_whole_everywhere(self, bobs, job, label):
        (item,) = bobs.submit(job(label=label))
        problem = bobs.wait(item["id"])
        info = bobs.get(f"problems/{item['id']}/info").json()
        (listed,) = bobs.get("problems/").json()

        expected = label or None
        assert [words.get("label") for words in (item, problem, info["metadata"], listed)] == [expected] * 4


class TestRefusals:
    def test_what_exceeds_the_quota_is_refused_in_dwaves_words_and_the_rest_runs(self, bobs, bob, assign, job, ran):
        assign(bob, 40_000_000)

        items = bobs.submit(job(), job(num_reads=10_000), job())

        assert ["id" in item for item in items] == [True, False, True]
        assert items[1]["error_code"] == 403
        message = items[1]["error_msg"]
        assert message.startswith(
            "Problem not accepted because user has insufficient remaining solver access time in lab: "
            "Refused by the user quota of this token: needs about "
        )
        for item in (items[0], items[2]):
            bobs.wait(item["id"])
        assert Usage.objects.count() == 2

    def test_a_quota_of_nothing_refuses_everything(self, bobs, assign, job):
        assign(None, 0)

        (item,) = bobs.submit(job())

        assert item["error_code"] == 403
        assert "group quota" in item["error_msg"]

    def test_refused_ones_are_counted_with_the_reason(self, bobs, bob, assign, job, qpu):
        assign(bob, 40_000_000)

        bobs.submit(job(), job(num_reads=10_000), job(num_reads=9_000), job())

        refused = RefusedJobs.objects.get()
        assert (refused.user_email, refused.token_name, refused.solver) == ("bob@example.com", "lab", qpu.name)
        assert (refused.reason, refused.source, refused.jobs) == ("user_exhausted", "gateway", 2)
        assert refused.needed_ns > refused.left_ns > 0

    def test_a_single_problem_is_refused_in_the_same_form(self, bobs, assign, job):
        assign(None, 0)

        answer = bobs.post("problems/", json=job())

        assert answer.status_code == 200
        assert answer.json()["error_code"] == 403

    def test_outside_of_the_window_nothing_runs(self, dwave, bobs, alice, assign, job):
        assign(None, 10**12, start=datetime(2040, 1, 1, tzinfo=UTC))

        (item,) = bobs.submit(job())

        assert "insufficient remaining solver access time" in item["error_msg"]
        assert "it begins at 2040-01-01 00:00 UTC" in item["error_msg"]
        assert dwave.problems() == []

    def test_dwaves_own_refusal_is_handed_on_and_gives_the_time_back(self, dwave, bobs, job, statuses):
        dwave.fault("item", "refuse", skip=1)

        good, bad = bobs.submit(job(), job())

        assert "id" in good
        assert "insufficient remaining solver access time in project Emulated" in bad["error_msg"]
        bobs.wait(good["id"])
        assert statuses() == ["settled", "released"]

    def test_failed_problems_give_the_time_back(self, dwave, bobs, job, statuses):
        dwave.fault("item", "fail")

        assert bobs.run(job())["status"] == "FAILED"
        assert statuses() == ["released"]

    def test_it_refuses_what_it_cannot_estimate(self, dwave, bobs, job):
        changes = [
            {"type": "unknown"},
            {"type": ["ising"]},
            {"type": "bqm"},
            {"params": []},
            {"params": {"num_reads": 0}},
            {"params": {"num_reads": 10**9}},
            {"params": {"num_reads": True}},
            {"params": {"num_reads": 1.5}},
            {"params": {"annealing_time": -1}},
            {"params": {"annealing_time": 1e300}},
            {"params": {"annealing_time": "20"}},
            {"params": {"anneal_schedule": [[0, 0], "x"]}},
            {"params": {"anneal_schedule": [[0, 1], [20, 1]]}},
            {"params": {"reduce_intersample_correlation": "no"}},
            {"data": {"format": "qp", "lin": "AAAA", "quad": ""}},
            {"data": {"format": "qp", "lin": biases(None, 1.0), "quad": ""}},
            {"data": {"format": "ref", "data": "not-mine"}},
            {"data": {"format": "ref", "data": None}},
            {"data": {"format": "bq"}},
            {"solver": "a-plain-name"},
            {"solver": {"name": "no_such_solver"}},
            {"solver": {"name": "../problems"}},
            {"label": "x" * 1025},
            {"label": "日本"},
            {"label": "\0"},
            {"label": 7},
        ]

        items = bobs.submit(*(job() | change for change in changes))

        for change, item in zip(changes, items, strict=True):
            assert item["error_code"] in {400, 404}, change
            assert item["error_msg"]
        assert dwave.problems() == []
        assert not Usage.objects.exists()

    def test_it_refuses_what_is_no_submission(self, bobs):
        for body in [b"", b"{", b"[]", b"[NaN]", b"[" * 5000, b"\xff"]:
            answer = bobs.post("problems/", data=body)
            assert answer.status_code == answer.json()["error_code"] == 400

    def test_one_bad_item_does_not_spoil_the_others(self, bobs, job):
        items = bobs.submit(job(), None, job(), 7)

        assert [item.get("error_code") for item in items] == [None, 400, None, 400]

    def test_what_else_is_in_the_identity_of_the_solver_is_not_kept(self, bobs, job):
        made = job()
        made["solver"] = made["solver"] | {"more": "\0" * 10}

        problem_id = bobs.submit_id(made)

        assert set(Problem.objects.get(upstream_id=problem_id).solver) == {"name", "version"}


class TestLosingTheClient:
    def test_a_client_that_is_gone_has_its_problem_recorded(self, dwave, bobs, job, reconciled, booked, ran, statuses):
        dwave.fault("submit", "delay", when="after", seconds=1.0)
        with pytest.raises(OSError, match="timed out"):
            bobs.session.post(bobs.endpoint + "problems/", json=[job()], timeout=0.4)

        eventually(lambda: Problem.objects.exclude(upstream_id="").exists())
        eventually(lambda: dwave.ledger(SECRET)["problems"])
        reconciled()
        assert statuses() == ["settled"]
        assert booked() == ran() > 0


class TestMemory:
    def test_what_has_been_read_makes_room_again(self, gateway_app, bobs, job):
        before = gateway_app.state.gateway.memory.free_bytes

        bobs.run(job())

        assert gateway_app.state.gateway.memory.free_bytes == before > 0

    def test_what_does_not_fit_beside_others_is_refused_and_books_nothing(self, gateway_app, bobs, job, monkeypatch):
        monkeypatch.setattr(gateway_app.state.gateway.memory, "free_bytes", 100)

        answer = bobs.post("problems/", json=[job()])

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert answer.json()["error_msg"] == "The portal is reading as much as it can at the moment. Try again."
        assert gateway_app.state.gateway.memory.free_bytes == 100
        assert not Usage.objects.exists()
