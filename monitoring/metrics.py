"""What processes count for Prometheus: requests, refused jobs, and how D-Wave answers.

Labels are words of our own, so that there are never more than a few thousand series: no paths, no names, no ids.
"""

import os
from http import HTTPMethod
from pathlib import Path

from prometheus_client import Counter, Histogram, values

from .slots import Slots

if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    values.ValueClass = values.MultiProcessValue(Slots(Path(folder)))  # type: ignore[no-untyped-call]

METHODS = frozenset(HTTPMethod)

REQUESTS = Counter(
    "luna_portal_requests",
    "Requests by the route that they matched.",
    ["service", "method", "route", "status"],
)
REQUEST_SECONDS = Histogram(
    "luna_portal_request_duration_seconds",
    "Time until an answer was ready; polls of the gateway are held on purpose.",
    ["service", "method", "route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REFUSALS = Counter(
    "luna_portal_refused_jobs",
    "Jobs that a quota or a rule has refused, by reason.",
    ["reason"],
)
UPSTREAM_REQUESTS = Counter(
    "luna_portal_upstream_requests",
    "Requests to D-Wave by what became of them.",
    ["method", "resource", "outcome"],
)
UPSTREAM_SECONDS = Histogram(
    "luna_portal_upstream_answer_seconds",
    "Time until D-Wave began to answer; it holds polls on purpose.",
    ["method", "resource"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


def count_request(*, service: str, method: str, route: str, status: int, seconds: float) -> None:
    method = method if method in METHODS else "other"  # clients may invent any number of methods
    REQUESTS.labels(service, method, route, status).inc()
    REQUEST_SECONDS.labels(service, method, route).observe(seconds)


def count_refusals(reason: str, jobs: int) -> None:
    REFUSALS.labels(reason).inc(jobs)


def count_upstream_request(*, method: str, path: str, outcome: str, seconds: float | None) -> None:
    """`seconds` until the answer began; None if none came. Of the path only its first part counts."""
    resource = path.partition("/")[0]
    UPSTREAM_REQUESTS.labels(method, resource, outcome).inc()
    if seconds is not None:
        UPSTREAM_SECONDS.labels(method, resource).observe(seconds)
