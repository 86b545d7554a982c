"""A token may have an endpoint of its own: its jobs go there, and stay there."""

import pytest

from emulator.app import make_app
from emulator.server import running
from tests.conftest import SECRET
from tokens.services import change_token

from .conftest import eventually


@pytest.fixture(scope="module")
def region_server():
    with running(make_app([SECRET], settings={"pace": 0.0}, seed=2)) as emulator:
        yield emulator


@pytest.fixture
def region(dwave, region_server, settings):
    """Another D-Wave, which the operator allows."""
    settings.DWAVE_ENDPOINT_HOSTS = [region_server.endpoint.removesuffix("/sapi/v2")]
    region_server.reset()
    return region_server


@pytest.fixture
def moved(region, lab_token, alice):
    """moved(): from now on jobs on the token lab go to the other D-Wave."""
    return lambda: change_token(token=lab_token, endpoint=region.endpoint, by=alice)


def test_jobs_go_to_the_tokens_own_endpoint(dwave, region, moved, bobs, job):
    moved()

    bobs.run(job())

    assert region.ledger(SECRET)["problems"] == 1
    assert dwave.ledger(SECRET)["problems"] == 0


def test_jobs_end_where_they_began(dwave, region, moved, bobs, job, booked):
    dwave.configure(paused=True)
    before = bobs.submit_id(job(label="before"))
    moved()
    after = bobs.submit_id(job(label="after"))
    polled = bobs.get("problems/", id=f"{before},{after}").json()
    dwave.configure(paused=False)

    assert [status["id"] for status in polled] == [before, after]
    assert bobs.wait(before)["label"] == "before"
    assert bobs.wait(after)["label"] == "after"
    assert booked() == dwave.ledger(SECRET)["deducted_ns"] + region.ledger(SECRET)["deducted_ns"]


def test_the_reconciler_asks_where_they_began(dwave, region, moved, bobs, job, reconciled, statuses):
    bobs.submit(job())
    moved()
    bobs.submit(job())
    eventually(lambda: dwave.ledger(SECRET)["problems"] == region.ledger(SECRET)["problems"] == 1)

    reconciled()

    assert statuses() == ["settled"] * 2


def test_problems_at_a_host_that_is_not_allowed_any_more_stay_open(
    dwave, region, moved, bobs, job, settings, lab_token, alice, reconciled, statuses
):
    moved()
    problem_id = bobs.submit_id(job())
    change_token(token=lab_token, endpoint="", by=alice)
    settings.DWAVE_ENDPOINT_HOSTS = []

    reconciled()

    assert statuses() == ["reserved"]
    assert bobs.get(f"problems/{problem_id}/").status_code == 403


def test_a_host_that_is_not_allowed_any_more_gets_nothing(region, moved, bobs, job, settings, statuses):
    moved()
    settings.DWAVE_ENDPOINT_HOSTS = []

    answer = bobs.post("problems/", json=[job()])

    assert answer.status_code == 403
    assert "does not allow the endpoint" in answer.json()["error_msg"]
    assert statuses() == []
    assert region.problems() == []
