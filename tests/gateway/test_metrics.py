"""What the gateway counts: requests of programs, and requests to D-Wave. Nothing in it names anybody."""

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from gateway.upstream import outcome_of
from quotas.services import assign_quota

ROUTE = "/dwave/{scope}/{name}/sapi/v2/problems"


@pytest.fixture
def counted():
    """counted(metric, **labels): by how much it has grown since the test began."""
    before = {(sample.name, *sample.labels.items()): sample.value for sample in samples()}

    def growth(metric, **labels):
        name = f"luna_portal_{metric}"
        return (REGISTRY.get_sample_value(name, labels) or 0) - before.get((name, *labels.items()), 0)

    return growth


def samples():
    return [sample for family in REGISTRY.collect() for sample in family.samples]


def test_requests_are_counted_by_their_route_and_timed(bobs, job, counted):
    bobs.submit(job())
    bobs.get("no/such/address")

    labels = {"service": "gateway", "method": "POST", "route": ROUTE}
    assert counted("requests_total", **labels, status="200") == 1
    assert counted("request_duration_seconds_count", **labels) == 1
    lost = {"service": "gateway", "method": "GET", "route": "(no such address)", "status": "404"}
    assert counted("requests_total", **lost) == 1


def test_requests_to_dwave_are_counted_by_what_became_of_them(bobs, job, dwave, counted):
    bobs.submit(job())
    dwave.fault("submit", "status", status=500)
    bobs.post("problems/", json=[job()])

    labels = {"method": "POST", "resource": "problems"}
    assert counted("upstream_requests_total", **labels, outcome="answered") == 1
    assert counted("upstream_requests_total", **labels, outcome="failed") == 1
    assert counted("upstream_answer_seconds_count", **labels) == 2


def test_a_dwave_that_is_not_there_is_counted_but_takes_no_time(bobs, job, counted, settings):
    settings.DWAVE_UPSTREAM_ENDPOINT = "http://127.0.0.1:9/sapi/v2/"  # where nothing listens

    bobs.post("problems/", json=[job()])

    assert counted("upstream_requests_total", method="GET", resource="solvers", outcome="unreachable") == 1
    assert counted("upstream_answer_seconds_count", method="GET", resource="solvers") == 0


def test_refused_jobs_are_counted_by_their_reason(bobs, job, counted, lab_token, alice):
    assign_quota(token=lab_token, member=None, quota_ns=0, by=alice, now=timezone.now())

    bobs.submit(job(), job())

    assert counted("refused_jobs_total", reason="group_exhausted") == 2


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "answered"),
        (304, "answered"),
        (400, "refused"),
        (401, "token_refused"),
        (403, "token_refused"),
        (404, "refused"),
        (429, "throttled"),
        (500, "failed"),
        (503, "failed"),
    ],
)
def test_what_answers_mean(status, outcome):
    assert outcome_of(status) == outcome


def test_no_label_names_anybody(bobs, job):
    bobs.wait(bobs.submit_id(job()))

    words = {word for sample in samples() for word in sample.labels.values()}
    assert not [word for word in words if "lab" in word.split("/") or "bob" in word or "acme" in word]
