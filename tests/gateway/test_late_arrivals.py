"""What was given back as lost, and runs after all, is booked all the same."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.models import Problem
from quotas.models import TimeQuotaPolicy
from tests.conftest import SECRET
from tokens.services import delete_token

from .conftest import eventually


@pytest.fixture
def given_back(dwave, bobs, job, assign, bob, reconciled, statuses, monkeypatch):
    """A problem that D-Wave takes only after the portal has given it back."""
    assign(bob, 10**9)
    monkeypatch.setattr("gateway.upstream.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("gateway.reconcile.LOST_AFTER", timedelta(0))
    dwave.configure(paused=True)
    dwave.fault("submit", "delay", when="before", seconds=2)
    assert bobs.post("problems/", json=[job(label="late")]).status_code == 502
    monkeypatch.setattr("gateway.upstream.ANSWER_SECONDS", 45)
    reconciled()
    assert statuses() == ["released"]
    eventually(dwave.problems)
    return Problem.objects.get()


def test_it_is_booked_when_it_has_run(dwave, given_back, reconciled, statuses, booked, ran):
    dwave.configure(paused=False)
    eventually(lambda: dwave.ledger(SECRET)["problems"] == 1)

    reconciled()

    assert statuses() == ["settled"]
    assert booked() == ran() == TimeQuotaPolicy.objects.get().used_ns > 0


def test_it_is_open_again_while_it_waits(dwave, given_back, bobs, reconciled, statuses):
    reconciled()

    assert statuses() == ["reserved"]
    assert TimeQuotaPolicy.objects.get().reserved_ns == given_back.usage.estimate_ns
    (listed,) = bobs.get("problems/").json()
    assert (listed["status"], listed["label"]) == ("PENDING", "late")


def test_it_is_given_back_again_when_it_was_cancelled(dwave, given_back, bobs, reconciled, statuses):
    reconciled()
    (listed,) = bobs.get("problems/").json()

    bobs.delete(f"problems/{listed['id']}")

    assert statuses() == ["released"]


def test_the_time_counts_also_where_none_is_left(dwave, given_back, alice, reconciled, statuses):
    TimeQuotaPolicy.objects.update(quota_ns=1)

    reconciled()

    policy = TimeQuotaPolicy.objects.get()
    assert statuses() == ["reserved"]
    assert policy.limit.left_ns == 0
    assert policy.reserved_ns > policy.quota_ns


class TestHowOften:
    @pytest.mark.parametrize(
        ("age", "pause"), [(timedelta(minutes=10), timedelta(minutes=10)), (timedelta(days=2), None)]
    )
    def test_it_is_looked_for_ever_more_seldom(self, dwave, given_back, reconciled, age, pause):
        dwave.reset()
        Problem.objects.update(booked_at=timezone.now() - age)

        reconciled()

        given_back.refresh_from_db()
        if pause is None:
            assert given_back.look_again_at is None
        else:
            assert abs(given_back.look_again_at - timezone.now() - pause) < timedelta(minutes=1)

    def test_it_is_not_looked_for_before_its_time(self, given_back, reconciled):
        Problem.objects.update(look_again_at=timezone.now() + timedelta(minutes=1))

        assert reconciled() == 0

    def test_one_with_trouble_lets_the_others_have_their_turn(self, dwave, given_back, reconciled, monkeypatch):
        monkeypatch.setattr("gateway.reconcile.LOST_AFTER", timedelta(minutes=3))
        dwave.fault("list", "not_json")

        reconciled()

        given_back.refresh_from_db()
        assert given_back.look_again_at > timezone.now() + timedelta(minutes=2)

    def test_it_is_not_looked_for_when_the_token_is_gone(self, given_back, alice, lab_token, reconciled, statuses):
        delete_token(token=lab_token, by=alice)

        reconciled()

        assert statuses() == ["released"]
        assert reconciled() == 0
