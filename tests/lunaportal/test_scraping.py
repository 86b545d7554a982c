import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError
from django.utils import timezone
from django_q.models import OrmQ
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from lunaportal import scraping
from monitoring.models import Heartbeat, beat
from solving.models import SolveJob
from tests.conftest import send_problem, solved_job

ROOT = Path(__file__).parent.parent.parent
TOKEN = "a-token-for-prometheus-alone"
SCRAPER = {"Authorization": f"Bearer {TOKEN}"}
NOW = timezone.now()
AGO = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def token(settings, tmp_path):
    settings.METRICS_TOKEN = TOKEN
    settings.METRICS_DIR = tmp_path


@pytest.fixture
def here(monkeypatch):
    """The database is asked in the thread of the test, and so sees what the test has done."""

    class Here:
        def submit(self, function):
            return self

        def result(self, seconds):
            return list(scraping.families(NOW))

    monkeypatch.setattr(scraping, "database_thread", Here())


def samples(answer):
    """What an answer tells: (name, labels) -> value."""
    return {
        (sample.name.removeprefix("luna_portal_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


class TestWhoMayRead:
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer another"}, {"Authorization": TOKEN}])
    def test_nothing_is_there_for_others(self, client, headers):
        assert client.get("/metrics", headers=headers).status_code == 404

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}])
    def test_nothing_is_there_without_the_setting(self, client, settings, headers):
        settings.METRICS_TOKEN = ""

        assert client.get("/metrics", headers=headers).status_code == 404

    def test_it_is_only_read(self, client):
        assert client.post("/metrics", headers=SCRAPER).status_code == 405

    def test_it_is_told_without_https_too_for_who_asks_beside_the_proxy(self, client, settings, here, db):
        settings.SECURE_SSL_REDIRECT = True

        assert client.get("/metrics", headers=SCRAPER).status_code == 200

    def test_an_operator_who_is_signed_in_finds_nothing_either(self, client, admin_user):
        client.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")

        assert client.get("/metrics").status_code == 404


@pytest.mark.django_db
class TestWhatIsSoInTheDatabase:
    @pytest.fixture
    def read(self, client, here):
        return lambda: samples(client.get("/metrics", headers=SCRAPER))

    def test_an_empty_portal_has_nothing_waiting(self, read):
        told = read()

        ages = {name[0] for name, value in told.items() if value}
        assert ages == {"database_up", "heartbeat_age_seconds"}

    def test_jobs_whose_end_is_open(self, read, bob, lab_token):
        problem = send_problem(token=lab_token, by=bob, now=NOW - AGO, seen_at=NOW - AGO / 2, booked_at=NOW - AGO)
        send_problem(token=lab_token, by=bob, now=NOW, upstream_id="7", seen_at=NOW)

        told = read()

        assert told["open_reservations", "gateway"] == 2
        assert told["open_reservations", "solve_job"] == 0
        assert told["open_reservations_oldest_seconds", "gateway"] == AGO.total_seconds()
        assert told["reserved_access_time_seconds", "gateway"] == 2 * problem.usage.estimate_ns / 1e9
        assert told["open_problems",] == 2
        assert told["reconciler_lag_seconds",] == AGO.total_seconds() / 2
        assert (told["submissions_in_doubt",], told["submissions_in_doubt_oldest_seconds",]) == (1, AGO.total_seconds())

    def test_solve_jobs(self, read, bob):
        waiting = {"status": SolveJob.Status.REQUESTED, "result": None, "started_at": None, "ended_at": None}
        running = waiting | {"status": SolveJob.Status.IN_PROGRESS, "started_at": NOW - AGO}
        for state in (waiting, running, {}):
            solved_job(bob, created_at=NOW - 2 * AGO, **state)

        told = read()

        assert (told["solve_jobs_waiting",], told["solve_jobs_running",]) == (1, 1)
        assert told["solve_jobs_waiting_oldest_seconds",] == 2 * AGO.total_seconds()
        assert told["solve_jobs_running_oldest_seconds",] == AGO.total_seconds()

    def test_tasks_of_the_worker(self, read):
        OrmQ.objects.create(key="lunaportal", payload="", lock=NOW - AGO)
        OrmQ.objects.create(key="lunaportal", payload="", lock=NOW + AGO)  # somebody works on it

        told = read()

        assert (told["tasks_queued",], told["tasks_queued_oldest_seconds",]) == (2, AGO.total_seconds())

    def test_secrets_that_are_kept_for_their_jobs(self, read, lab_token):
        lab_token.retired_secrets.create(version=1, secret="old-secret", retired_at=NOW - AGO)

        told = read()

        assert (told["retired_secrets",], told["retired_secrets_oldest_seconds",]) == (1, AGO.total_seconds())

    def test_who_was_heard_of(self, read):
        beat(Heartbeat.Process.RECONCILER, NOW - AGO)

        told = read()

        assert told["heartbeat_age_seconds", "reconciler"] == AGO.total_seconds()
        assert told["heartbeat_age_seconds", "solver"] == float("inf")

    def test_it_costs_the_same_number_of_queries_however_much_there_is(
        self, read, bob, lab_token, django_assert_num_queries
    ):
        for _ in range(3):
            send_problem(token=lab_token, by=bob, now=NOW)

        with django_assert_num_queries(9):
            list(scraping.families(NOW))

    def test_no_label_names_anybody(self, client, here, bob, lab_token):
        send_problem(token=lab_token, by=bob, now=NOW)

        text = client.get("/metrics", headers=SCRAPER).content.decode()

        assert not [name for name in ("acme", "Acme", "bob", 'lab"', "example.com") if name in text]


@pytest.mark.django_db(transaction=True)
class TestTheDatabaseThread:
    def test_it_is_asked_in_time(self, client, bob, lab_token):
        send_problem(token=lab_token, by=bob, now=NOW)

        told = samples(client.get("/metrics", headers=SCRAPER))

        assert (told["database_up",], told["open_problems",]) == (1, 1)

    def test_what_processes_count_is_told_without_it(self, client, monkeypatch):
        def fail():
            raise DatabaseError("secret-host refused")

        monkeypatch.setattr(scraping, "ask_database", fail)

        answer = client.get("/metrics", headers=SCRAPER)

        assert answer.status_code == 200
        assert samples(answer) == {("database_up",): 0}

    def test_one_that_does_not_answer_keeps_nobody_waiting_for_ever(self, client, monkeypatch):
        answers = threading.Event()
        monkeypatch.setattr(scraping, "DATABASE_SECONDS", 0.01)
        monkeypatch.setattr(scraping, "ask_database", answers.wait)

        assert samples(client.get("/metrics", headers=SCRAPER)) == {("database_up",): 0}
        answers.set()


# --- What is counted of requests --------------------------------------------------------------------------------------


def counted(method, route, status):
    labels = {"service": "web", "method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("luna_portal_requests_total", labels) or 0


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/livez", ("GET", "/livez", 200)),
        ("POST", "/livez", ("POST", "/livez", 405)),
        ("GET", "/invitations/secret", ("GET", "/invitations/<token>", 404)),
        ("GET", "/no/such/page", ("GET", "(no such page)", 404)),
        ("BREW", "/livez", ("other", "/livez", 405)),
    ],
)
@pytest.mark.django_db
def test_requests_are_counted_by_their_route(client, method, path, told):
    before = counted(*told)

    client.generic(method, path)

    assert counted(*told) == before + 1


def test_with_the_setting_processes_count_in_the_folder(tmp_path):
    """From the environment to the answer of /metrics, in a portal of its own."""
    code = """
import django, os
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
Client().get("/livez")
print(Client(headers={"Authorization": f"Bearer {os.environ['METRICS_TOKEN']}"}).get("/metrics").content.decode())
"""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "METRICS_TOKEN": TOKEN,
        "METRICS_DIR": str(tmp_path / "metrics"),
        "TEST_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
    }

    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    line = 'luna_portal_requests_total{method="GET",route="/livez",service="web",status="200"} 1.0'
    assert line in finished.stdout.splitlines()
    assert "luna_portal_database_up 1.0" in finished.stdout.splitlines()
