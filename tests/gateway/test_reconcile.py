"""The ledger becomes true whatever happens to clients, answers and processes."""

import json
import time
from datetime import date, timedelta

import pytest
from django.utils import timezone

from gateway.models import Problem
from quotas.models import RefusedJobs, Usage
from tests.conftest import SECRET
from tokens.services import delete_token

from .conftest import eventually


@pytest.fixture
def lost_at_once(monkeypatch):
    """A submission without a trace counts as lost as soon as somebody looks."""
    monkeypatch.setattr("gateway.reconcile.LOST_AFTER", timedelta(0))


@pytest.fixture
def all_ran(dwave):
    """all_ran(3): waits until D-Wave has run so many problems."""
    return lambda count: eventually(lambda: dwave.ledger(SECRET)["problems"] == count)


class TestWhatNobodyFetched:
    def test_it_is_settled(self, bobs, job, all_ran, reconciled, statuses, booked, ran):
        bobs.submit(*(job(num_reads=number) for number in (1, 10, 100)))
        all_ran(3)

        reconciled()

        assert statuses() == ["settled"] * 3
        assert booked() == ran() > 0

    def test_it_is_looked_at_only_after_a_while(self, bobs, job, all_ran, reconciled, statuses, monkeypatch):
        monkeypatch.setattr("gateway.reconcile.QUIET", timedelta(minutes=1))
        bobs.submit(job())
        all_ran(1)

        assert reconciled() == 0
        assert statuses() == ["reserved"]

    def test_several_rounds_and_clients_book_once(self, bobs, job, all_ran, reconciled, booked, ran):
        problem_id = bobs.submit_id(job())
        all_ran(1)

        reconciled()
        reconciled()
        bobs.wait(problem_id)

        assert booked() == ran()

    def test_what_failed_or_was_cancelled_elsewhere_is_released(self, dwave, bobs, job, reconciled, statuses):
        dwave.fault("item", "fail")
        bobs.submit(job())

        reconciled()

        assert statuses() == ["released"]

    def test_what_still_waits_stays_open(self, dwave, bobs, job, reconciled, statuses):
        dwave.configure(paused=True)
        bobs.submit(job())

        assert reconciled() == 1
        assert statuses() == ["reserved"]

    def test_an_answer_without_a_cost_is_asked_for_again(
        self, dwave, bobs, job, all_ran, reconciled, statuses, booked, ran
    ):
        bobs.submit(job())
        all_ran(1)
        dwave.fault("answer", "no_timing")

        reconciled()
        assert statuses() == ["reserved"]
        reconciled()
        assert booked() == ran()

    def test_an_answer_that_never_tells_the_cost_counts_as_what_was_reserved(
        self, dwave, bobs, job, all_ran, reconciled, booked, monkeypatch
    ):
        monkeypatch.setattr("gateway.reconcile.GONE_AFTER", timedelta(0))
        bobs.submit(job())
        all_ran(1)
        dwave.fault("answer", "no_timing")

        reconciled()

        assert booked() == Usage.objects.get().estimate_ns > 0

    def test_more_problems_than_fit_into_one_question(
        self, bobs, job, all_ran, reconciled, booked, ran, statuses, monkeypatch
    ):
        monkeypatch.setattr("gateway.wire.PART", 3)
        bobs.submit(*(job() for _ in range(8)))
        all_ran(8)

        reconciled()

        assert statuses() == ["settled"] * 8
        assert booked() == ran()

    def test_refusals_of_long_ago_are_forgotten(self, bobs, job, assign, reconciled):
        assign(None, 0)
        bobs.submit(job())
        reconciled()
        assert RefusedJobs.objects.update(day=date(2020, 1, 1)) == 1

        reconciled()

        assert not RefusedJobs.objects.exists()

    def test_trouble_upstream_leaves_everything_open(self, dwave, bobs, job, all_ran, reconciled, statuses):
        bobs.submit(job())
        all_ran(1)
        for kind in ("status", "html", "not_json", "wrong_ids", "missing_ids"):
            dwave.fault("poll", kind)
            reconciled()
            assert statuses() == ["reserved"], kind

        dwave.revoke_tokens(SECRET)
        reconciled()
        assert statuses() == ["reserved"]

    def test_one_with_trouble_comes_last_next_time(self, dwave, bobs, job, all_ran, reconciled, statuses):
        bobs.submit(job(), job(), job())
        all_ran(3)
        dwave.fault("answer", "status")

        reconciled()
        assert statuses() == ["reserved"] * 3
        dwave.fault("answer", "status", skip=2)
        reconciled()

        assert statuses() == ["reserved", "settled", "settled"]


class TestLostSubmissions:
    @pytest.mark.parametrize("kind", ["drop", "cut", "not_json", "html", "status", "missing_ids"])
    def test_what_was_accepted_is_adopted(
        self, dwave, bobs, job, all_ran, reconciled, lost_at_once, statuses, booked, ran, kind
    ):
        dwave.fault("submit", kind, when="after")

        answer = bobs.post("problems/", json=[job(label="mine"), job()])

        assert answer.status_code == 502
        assert answer.json()["error_msg"].startswith("D-Wave did not answer clearly")
        assert statuses() == ["reserved"] * 2
        all_ran(2)
        reconciled()
        assert statuses() == ["settled"] * 2
        assert booked() == ran()
        assert [problem["status"] for problem in bobs.get("problems/").json()] == ["COMPLETED"] * 2
        (mine,) = bobs.get("problems/", label="mine").json()
        assert bobs.wait(mine["id"])["label"] == "mine"

    @pytest.mark.parametrize("kind", ["drop", "html", "status"])
    def test_what_never_arrived_is_given_back(self, dwave, bobs, job, reconciled, lost_at_once, statuses, kind):
        dwave.fault("submit", kind, when="before")

        assert bobs.post("problems/", json=[job()]).status_code == 502
        assert statuses() == ["reserved"]

        reconciled()

        assert statuses() == ["released"]

    def test_it_is_given_back_only_after_a_while(self, dwave, bobs, job, reconciled, statuses):
        dwave.fault("submit", "drop", when="before")
        bobs.post("problems/", json=[job()])

        reconciled()

        assert statuses() == ["reserved"]

    def test_a_job_that_waited_before_it_was_sent_has_as_much_time(self, dwave, bobs, job, reconciled, statuses):
        """As solve jobs do, whose lines in the ledger are older than their problems."""
        dwave.fault("submit", "drop", when="before")
        bobs.post("problems/", json=[job()])
        Usage.objects.update(created_at=timezone.now() - timedelta(hours=1))

        reconciled()

        assert statuses() == ["reserved"]

    def test_it_is_not_given_back_while_upstream_does_not_tell(
        self, dwave, bobs, job, reconciled, lost_at_once, statuses
    ):
        dwave.fault("submit", "drop", when="before")
        bobs.post("problems/", json=[job()])
        for kind in ("status", "html", "not_json"):
            dwave.fault("list", kind)
            reconciled()
            assert statuses() == ["reserved"], kind

    def test_a_wrong_id_in_the_answer_is_put_right(self, dwave, bobs, job, all_ran, reconciled, statuses, booked, ran):
        dwave.fault("submit", "wrong_ids")
        items = bobs.submit(job(), job())
        assert "error_code" in items[1], "two problems cannot have the same id"
        all_ran(2)

        reconciled()

        assert statuses() == ["settled"] * 2
        assert booked() == ran()
        ids = {problem["id"] for problem in dwave.problems()}
        assert {problem.upstream_id for problem in Problem.objects.all()} == ids

    def test_it_takes_no_problem_of_somebody_else_for_a_lost_one(
        self, dwave, bobs, alices, job, reconciled, lost_at_once, statuses
    ):
        dwave.fault("submit", "drop", when="before")
        bobs.post("problems/", json=[job()])
        lost = Usage.objects.get()
        alices.session.post(alices.endpoint + "problems/", json=[job(label=f"[luna:{lost.pk}:0123456789ab]")])

        reconciled()

        assert statuses()[0] == "released"

    def test_a_body_that_takes_long_does_not_make_the_problem_look_lost(self, bobs, job):
        """What counts is when it was booked, not when the request began."""
        text = json.dumps([job()]).encode()

        def slowly():
            yield text[:10]
            time.sleep(1)
            yield text[10:]

        began = time.time()
        bobs.post("problems/", data=slowly())

        assert Usage.objects.get().created_at.timestamp() > began + 0.9

    def test_what_was_booked_too_long_ago_is_not_sent(self, dwave, bobs, job, statuses, monkeypatch):
        monkeypatch.setattr("gateway.submit.SEND_WITHIN", timedelta(seconds=-1))

        assert bobs.post("problems/", json=[job()]).status_code == 503
        assert statuses() == ["released"]
        assert dwave.problems() == []

    def test_one_with_trouble_comes_last_next_time(self, dwave, bobs, job, reconciled, lost_at_once, statuses):
        dwave.fault("submit", "drop", times=2)
        for _ in range(2):
            bobs.post("problems/", json=job())
        dwave.fault("list", "status")

        reconciled()
        assert statuses() == ["reserved"] * 2
        dwave.fault("list", "status", skip=1)
        reconciled()

        assert statuses() == ["reserved", "released"]


class TestWhatIsGone:
    def test_problems_of_a_deleted_token_count_as_reserved(
        self, dwave, bobs, alice, lab_token, job, reconciled, statuses, booked
    ):
        dwave.configure(paused=True)
        bobs.submit(job())
        delete_token(token=lab_token, by=alice)

        reconciled()

        assert statuses() == ["settled"]
        assert booked() == Usage.objects.get().estimate_ns

    def test_a_problem_that_dwave_forgets_counts_as_reserved_in_the_end(
        self, dwave, bobs, job, reconciled, statuses, monkeypatch
    ):
        dwave.configure(paused=True)
        bobs.submit(job(), job())
        dwave.reset()

        reconciled()
        assert statuses() == ["reserved"] * 2
        monkeypatch.setattr("gateway.reconcile.GONE_AFTER", timedelta(0))
        reconciled()
        assert statuses() == ["settled"] * 2
