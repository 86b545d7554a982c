"""Replacing a token's secret: the new one takes new jobs, the old one finishes its own, then it is wiped."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.conftest import SECRET
from tokens.models import RetiredSecret
from tokens.services import replace_secret

from .conftest import eventually

NEW = "DEV-canary-of-the-secret-that-follows"


@pytest.fixture
def replaced(dwave, lab_token, alice):
    """replaced(): the token lab gets another secret, which D-Wave knows."""
    dwave.add_tokens(NEW)

    def replace():
        replace_secret(token=lab_token, secret=NEW, by=alice, now=timezone.now())

    return replace


def test_jobs_of_both_secrets_end(dwave, bobs, job, replaced):
    dwave.configure(paused=True)
    before = bobs.submit_id(job(label="before"))
    replaced()
    after = bobs.submit_id(job(label="after"))

    dwave.configure(paused=False)

    assert bobs.wait(before)["label"] == "before"
    assert bobs.wait(after)["label"] == "after"
    assert dwave.ledger(SECRET)["problems"] == dwave.ledger(NEW)["problems"] == 1


def test_one_poll_is_about_jobs_of_both(dwave, bobs, job, replaced):
    dwave.configure(paused=True)
    before = bobs.submit_id(job())
    replaced()
    after = bobs.submit_id(job())

    answer = bobs.get("problems/", id=f"{after},{before}").json()

    assert [status["id"] for status in answer] == [after, before]
    assert [status["status"] for status in answer] == ["PENDING"] * 2


def test_jobs_of_both_are_cancelled_at_once(dwave, bobs, job, replaced, statuses):
    dwave.configure(paused=True)
    before = bobs.submit_id(job())
    replaced()
    after = bobs.submit_id(job())

    answer = bobs.delete("problems/", json=[before, after]).json()

    assert [item["status"] for item in answer] == ["CANCELLED"] * 2
    assert statuses() == ["released"] * 2


def test_the_reconciler_settles_jobs_of_both(dwave, bobs, job, replaced, reconciled, statuses, booked):
    bobs.submit(job())
    replaced()
    bobs.submit(job(num_reads=10))
    eventually(lambda: dwave.ledger(SECRET)["problems"] == dwave.ledger(NEW)["problems"] == 1)

    reconciled()

    assert statuses() == ["settled"] * 2
    assert booked() == dwave.ledger(SECRET)["deducted_ns"] + dwave.ledger(NEW)["deducted_ns"]


class TestWiping:
    @pytest.fixture(autouse=True)
    def retired_long_ago(self, monkeypatch):
        monkeypatch.setattr("gateway.reconcile.LOST_AFTER", timedelta(0))

    def test_the_old_secret_is_kept_as_long_as_a_job_of_its_own_is_open(self, dwave, bobs, job, replaced, reconciled):
        dwave.configure(paused=True)
        bobs.submit(job())
        replaced()

        reconciled()
        assert RetiredSecret.objects.get().secret == SECRET

        dwave.configure(paused=False)
        eventually(lambda: dwave.ledger(SECRET)["problems"] == 1)
        reconciled()
        assert not RetiredSecret.objects.exists()

    def test_jobs_of_the_new_one_do_not_keep_it(self, dwave, bobs, job, replaced, reconciled):
        dwave.configure(paused=True)
        replaced()
        bobs.submit(job())

        reconciled()

        assert not RetiredSecret.objects.exists()

    def test_it_is_kept_for_what_may_be_under_way_with_it(self, replaced, reconciled, monkeypatch):
        monkeypatch.setattr("gateway.reconcile.LOST_AFTER", timedelta(minutes=3))
        replaced()

        reconciled()

        assert RetiredSecret.objects.exists()


def test_an_old_secret_that_dwave_refuses_gives_way_to_the_new_one(dwave, bobs, job, replaced):
    problem_id = bobs.submit_id(job())
    replaced()
    dwave.revoke_tokens(SECRET)

    # The emulated D-Wave shows a problem to the token that sent it; D-Wave itself, to all tokens of the user.
    assert bobs.get(f"problems/{problem_id}/").status_code == 404


def test_no_answer_shows_the_old_secret(dwave, bobs, job, replaced):
    problem_id = bobs.submit_id(job())
    bobs.wait(problem_id)
    replaced()

    answer = bobs.get(f"problems/{problem_id}/info")  # where D-Wave writes the secret

    assert answer.json()["metadata"]["submitted_by"] == "bob@example.com"
    assert NEW not in answer.text
