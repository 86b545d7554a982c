"""Many requests of one member at once: limits hold exactly, and models do not vanish under jobs."""

from functools import partial

import pytest
from django.http import Http404
from django.utils import timezone

from solving.errors import TooLarge, TooMany
from solving.models import SolveJob, UploadedModel
from solving.retention import forget_models
from solving.services import delete_model, submit_job, upload_model
from solving.solvers import find_solver
from tests.quotas.crowd import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ALL, FITTING = 16, 5
SIZE = 200_000


def kinds(outcomes):
    """What became of the calls: a result of a kind, or an error of one; each kind once."""
    return {type(outcome) for outcome in outcomes}


def upload(member, number=0):
    return upload_model(data=bytes([number]) * SIZE, by=member, now=timezone.now())


def submit(member, model, **parameters):
    solver = find_solver("dwave", "SA")
    return submit_job(model=model, solver=solver, parameters=parameters, token=None, by=member, now=timezone.now())


def test_no_more_is_stored_than_fits(bob, settings):
    settings.SOLVING_STORAGE_MB = 1

    outcomes = at_once(partial(upload, bob, number) for number in range(ALL))

    assert kinds(outcomes) == {UploadedModel, TooLarge}
    assert UploadedModel.objects.count() == FITTING


def test_no_more_parameters_are_stored_than_fit(bob, settings):
    settings.SOLVING_STORAGE_MB = 1
    model = upload(bob)

    outcomes = at_once([partial(submit, bob, model, beta_schedule=[0.1234567890123456] * 10_000)] * ALL)

    assert kinds(outcomes) == {SolveJob, TooLarge}
    assert SolveJob.objects.count() == 4


def test_the_same_model_is_stored_once(bob):
    outcomes = at_once([partial(upload, bob)] * ALL)

    assert {model.pk for model in outcomes} == {UploadedModel.objects.get().pk}


def test_no_more_jobs_wait_than_may(bob, settings):
    settings.SOLVING_MAX_WAITING = FITTING
    model = upload(bob)

    outcomes = at_once([partial(submit, bob, model)] * ALL)

    assert kinds(outcomes) == {SolveJob, TooMany}
    assert SolveJob.objects.waiting().count() == FITTING


class TestModelsThatGo:
    """Each job that was taken either had its model, or lost it to a deletion after that; the others are told."""

    @pytest.mark.parametrize("attempt", range(5))
    def test_its_member_deletes_one_while_jobs_on_it_come(self, bob, attempt):
        model = upload(bob)
        its_own = UploadedModel.objects.get()

        outcomes = at_once([partial(delete_model, model=its_own, by=bob)] + [partial(submit, bob, model)] * 7)

        assert kinds(outcomes) <= {type(None), SolveJob, Http404}
        assert not UploadedModel.objects.exists()

    @pytest.mark.parametrize("attempt", range(5))
    def test_an_old_one_is_used_again_while_it_is_cleared_away(self, bob, attempt):
        model, now = upload(bob), timezone.now()

        outcomes = at_once([partial(forget_models, unused_since=now)] * 2 + [partial(submit, bob, model)] * 6)

        assert kinds(outcomes) <= {type(None), SolveJob, Http404}
        has_jobs = SolveJob.objects.exists()
        assert UploadedModel.objects.exists() == has_jobs
