"""What Prometheus reads: what all processes on this machine have counted, and what is so in the database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from . import facts
from .facts import Backlog

log = structlog.get_logger(__name__)

NANOSECONDS = 1_000_000_000
DATABASE_SECONDS = 5  # Prometheus itself gives up after 10; then it would not get what processes have counted either

# One question at a time: while the database does not answer, they must not pile up.
database_thread = ThreadPoolExecutor(1, thread_name_prefix="metrics-database")


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics, for who knows METRICS_TOKEN; nothing is at this address for anybody else."""
    if not is_scraper(request):
        raise Http404
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(Database())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def is_scraper(request: HttpRequest) -> bool:
    expected = f"Bearer {settings.METRICS_TOKEN}"
    return bool(settings.METRICS_TOKEN) and constant_time_compare(request.headers.get("Authorization", ""), expected)


class Database(Collector):
    """What is so in the database now; that it does not answer, if it does not."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = database_thread.submit(ask_database).result(DATABASE_SECONDS)
        except (Error, TimeoutError) as error:
            log.warning("database_not_reachable", error=type(error).__name__)
            found = []
        yield gauge("database_up", "Whether the database answers.", bool(found))
        yield from found


def ask_database() -> list[Metric]:
    try:
        return list(families(timezone.now()))
    finally:
        connection.close()  # this thread is idle most of the time


def families(now: datetime) -> Iterator[Metric]:
    """All metrics that come from the database."""
    yield from reservations(now)
    problems = facts.problems_not_heard_of(now)
    yield gauge("open_problems", "Problems at D-Wave whose end is not known yet.", problems.count)
    yield gauge("reconciler_lag_seconds", "Since the most forgotten open problem was heard of.", problems.age)
    yield from backlog(
        "submissions_in_doubt", "Problems that D-Wave has perhaps taken.", facts.submissions_in_doubt(now)
    )
    yield from backlog("solve_jobs_waiting", "Solve jobs that no solver has taken.", facts.solve_jobs_waiting(now))
    yield from backlog("solve_jobs_running", "Solve jobs under way.", facts.solve_jobs_running(now))
    yield from backlog("tasks_queued", "Mails and other tasks of the worker.", facts.tasks_queued(now))
    yield gauge("tasks_failed", "Tasks that the worker has given up, of the last 30 days.", facts.tasks_failed())
    yield from backlog("retired_secrets", "Former secrets, kept for their jobs.", facts.retired_secrets(now))
    silence = family("heartbeat_age_seconds", "Since a kind of process was heard of; +Inf if never.", ["process"])
    for process, age in facts.silences(now).items():
        silence.add_metric([process], float("inf") if age is None else age.total_seconds())
    yield silence


def reservations(now: datetime) -> Iterator[Metric]:
    count = family("open_reservations", "Jobs whose cost is reserved and not known yet.", ["source"])
    age = family("open_reservations_oldest_seconds", "Age of the oldest open reservation.", ["source"])
    held = family("reserved_access_time_seconds", "QPU access time that open reservations hold.", ["source"])
    for source, (open_jobs, held_ns) in facts.open_reservations(now).items():
        count.add_metric([source], open_jobs.count)
        age.add_metric([source], open_jobs.age.total_seconds())
        held.add_metric([source], held_ns / NANOSECONDS)
    yield from (count, age, held)


def backlog(name: str, help_text: str, found: Backlog) -> Iterator[Metric]:
    yield gauge(name, help_text, found.count)
    yield gauge(f"{name}_oldest_seconds", f"Age of the oldest. {help_text}", found.age)


def family(name: str, help_text: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"luna_portal_{name}", help_text, labels=labels)


def gauge(name: str, help_text: str, value: float | timedelta) -> GaugeMetricFamily:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    return GaugeMetricFamily(f"luna_portal_{name}", help_text, value=seconds)
