import json
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from emulator.app import make_app
from emulator.server import running
from encryption.models import Canary
from lunaportal import doctor
from lunaportal.doctor import Level, examine
from monitoring.models import Heartbeat, beat
from quotas.models import DailyUsage, TimeQuotaPolicy
from quotas.services import assign_quota
from solving.models import SolveJob
from tests.conftest import SECRET, send_problem, solved_job

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


@pytest.fixture(scope="module")
def dwave():
    with running(make_app([SECRET])) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def healthy(settings, dwave, tmp_path, monkeypatch):
    """A portal with which everything is as it should be."""
    monkeypatch.setattr(doctor, "SECONDS", 60.0)
    settings.DWAVE_UPSTREAM_ENDPOINT = dwave.endpoint
    settings.SERVE_STATIC_FROM_SOURCE = False
    settings.BASE_DIR = tmp_path
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "portal.css").touch()
    (tmp_path / "staticfiles").mkdir()
    (tmp_path / "staticfiles" / "staticfiles.json").touch()
    settings.METRICS_TOKEN, settings.METRICS_DIR = "0123456789abcdef", tmp_path
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
    settings.SILENCED_SYSTEM_CHECKS = [f"security.W0{number:02}" for number in (4, 8, 9, 12, 16)]
    call_command("createcachetable")
    Schedule.objects.update(next_run=NOW + timedelta(hours=1))
    for process in Heartbeat.Process:
        beat(process, timezone.now())


def found(**options):
    return dict(examine(timezone.now(), **options))


def levels(**options):
    return {name: finding.level for name, finding in found(**options).items() if finding.level is not Level.OK}


def test_a_healthy_portal_has_nothing_but_good_findings():
    assert levels(ledger=True, mail_to="operator@example.com") == {}


class TestOutside:
    def test_settings(self, settings):
        settings.SILENCED_SYSTEM_CHECKS = []

        finding = found()["settings"]

        assert finding.level is Level.WARNING
        assert "security.W004" in finding.message

    def test_static_files_that_are_not_collected(self, settings):
        (settings.BASE_DIR / "staticfiles" / "staticfiles.json").unlink()

        assert levels() == {"static files": Level.FAILED}

    def test_static_files_that_are_old(self, settings):
        os.utime(settings.BASE_DIR / "staticfiles" / "staticfiles.json", (0, 0))

        assert levels() == {"static files": Level.WARNING}

    @pytest.mark.parametrize(("free", "level"), [(1024**3, Level.WARNING), (1024**2, Level.FAILED)])
    def test_a_disk_that_gets_full(self, monkeypatch, free, level):
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: Usage(free))

        assert levels() == {"disk": level}

    def test_a_dwave_that_is_not_there(self, settings):
        settings.DWAVE_UPSTREAM_ENDPOINT = "http://127.0.0.1:9/sapi/v2/"

        assert levels() == {"D-Wave": Level.FAILED}

    def test_something_else_in_its_place(self, settings, live_server):
        settings.DWAVE_UPSTREAM_ENDPOINT = f"{live_server.url}/livez/"

        assert levels() == {"D-Wave": Level.WARNING}

    @pytest.mark.parametrize(("seconds", "differs"), [(0, False), (29, False), (31, True), (-31, True)])
    def test_a_clock_that_differs(self, seconds, differs):
        now = datetime(2026, 5, 4, tzinfo=UTC)

        finding = doctor.clock(format_datetime(now + timedelta(seconds=seconds), usegmt=True), now)

        assert bool(finding) is differs

    def test_no_metrics(self, settings):
        settings.METRICS_TOKEN = ""

        assert levels() == {"metrics": Level.WARNING}

    def test_a_folder_for_metrics_that_is_not_there(self, settings, tmp_path):
        settings.METRICS_DIR = tmp_path / "gone"

        assert levels() == {"metrics": Level.FAILED}

    def test_mail_is_sent_only_where_somebody_asks_for_it(self):
        assert "mail" not in found()
        assert not mail.outbox

        found(mail_to="operator@example.com")

        assert mail.outbox[0].to == ["operator@example.com"]


class Usage:
    def __init__(self, free):
        self.free = free


class TestInTheDatabase:
    def test_migrations(self):
        MigrationRecorder.Migration.objects.filter(app="luna").delete()
        MigrationRecorder.Migration.objects.filter(app="monitoring").delete()

        assert levels() == {"migrations": Level.FAILED}

    def test_a_key_that_does_not_fit(self):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {Canary._meta.db_table} SET song = 'gAAAAother'")

        assert levels() == {"encryption": Level.FAILED}

    def test_a_cache_of_one_process(self, settings):
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

        assert levels()["cache"] is Level.FAILED  # and allauth's own check warns of it

    def test_a_cache_that_does_not_answer(self, settings):
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": NOBODY}}

        assert levels() == {"cache": Level.FAILED}

    @pytest.mark.parametrize("process", Heartbeat.Process)
    def test_processes_that_do_not_run(self, process):
        Heartbeat.objects.filter(process=process).update(seen_at=LONG_AGO)
        assert levels() == {process: Level.FAILED}

        Heartbeat.objects.filter(process=process).delete()
        assert found()[process].message == "It was never heard of."

    def test_jobs_that_nobody_looks_after(self, bob, lab_token):
        send_problem(token=lab_token, by=bob, now=LONG_AGO, booked_at=LONG_AGO)

        assert levels() == {"problems": Level.WARNING, "in doubt": Level.WARNING, "reservations": Level.FAILED}

    def test_queues_that_do_not_move(self, bob):
        waiting = {"status": SolveJob.Status.REQUESTED, "result": None, "started_at": None, "ended_at": None}
        solved_job(bob, created_at=LONG_AGO, **waiting)
        OrmQ.objects.create(key="lunaportal", payload="", lock=LONG_AGO)
        Schedule.objects.update(next_run=LONG_AGO)
        Task.objects.create(id="1", name="mail", func="f", started=NOW, stopped=NOW, success=False)

        assert set(levels()) == {"solve jobs", "tasks", "late schedules", "failed tasks"}

    def test_secrets_that_are_kept_for_ever(self, lab_token):
        lab_token.retired_secrets.create(version=1, secret="old-secret", retired_at=LONG_AGO)

        assert levels() == {"retired secrets": Level.WARNING}

    def test_a_ledger_that_is_not_true(self, alice, lab_token):
        assign_quota(token=lab_token, member=None, quota_ns=10, by=alice, now=NOW)
        TimeQuotaPolicy.objects.update(used_ns=1)

        assert "ledger" not in found()
        assert levels(ledger=True) == {"ledger": Level.FAILED}

    def test_a_day_that_is_not_true(self):
        DailyUsage.objects.create(token_id=1, user_id=1, day=NOW, source="gateway", settled_ns=5, jobs=1)

        assert "rebuild_daily_usage" in found(ledger=True)["ledger"].advice


NOBODY = "redis://127.0.0.1:9/0"  # where nothing listens


class TestWithoutADatabase:
    @pytest.fixture(autouse=True)
    def no_database(self):
        def fail(execute, sql, params, many, context):
            raise DatabaseError("connection to postgres://portal:password=canary@db failed\nand more")

        with connection.execute_wrapper(fail):
            yield

    def test_the_rest_is_looked_at(self):
        names = found()

        assert list(names)[-1] == "database"
        assert levels() == {"database": Level.FAILED}

    def test_nothing_secret_is_told(self):
        message = found()["database"].message

        assert message.startswith("DatabaseError: connection to")
        assert "canary" not in message


class TestTheCommand:
    def run(self, *arguments):
        out = StringIO()
        try:
            call_command("doctor", *arguments, stdout=out)
        except CommandError as error:
            return out.getvalue(), str(error)
        return out.getvalue(), ""

    def test_it_passes(self):
        text, error = self.run()

        assert error == ""
        assert text.startswith("ok       settings         Django's checks")

    def test_it_says_what_to_do_and_fails(self):
        beat(Heartbeat.Process.SOLVER, LONG_AGO)

        text, error = self.run()

        assert "failed   solver           It has not been heard of for 30 days.\n" in text
        assert f"\n{'':26}Start manage.py solve, and read its log.\n" in text
        assert error == "1 of 22 checks failed."

    def test_a_warning_is_no_failure(self, settings):
        settings.METRICS_TOKEN = ""

        assert self.run()[1] == ""

    def test_programs_get_json(self):
        (first, *_) = json.loads(self.run("--json")[0])

        assert first == {
            "check": "settings",
            "level": "ok",
            "message": "Django's checks of a deployment find nothing.",
            "advice": "",
        }
