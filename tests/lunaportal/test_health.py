import json

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from encryption.models import Canary
from lunaportal import views


@pytest.fixture(autouse=True)
def nothing_remembered():
    views.require_migrated.cache_clear()
    yield
    views.require_migrated.cache_clear()


def break_database(execute, sql, params, many, context):
    raise DatabaseError("secret-host refused")


class TestLivez:
    def test_it_answers_without_the_database(self, client):
        answer = client.get("/livez")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    @pytest.mark.django_db
    def test_a_session_does_not_make_it_ask_the_database(self, browser, bob):
        client = browser(bob)
        with connection.execute_wrapper(break_database):
            assert client.get("/livez").status_code == 200

    def test_it_is_not_kept_by_caches(self, client):
        assert "no-store" in client.get("/livez")["Cache-Control"]


@pytest.mark.django_db
class TestReadyz:
    def test_it_is_ready(self, client):
        answer = client.get("/readyz")

        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok",
            "checks": {"database": "ok", "migrations": "ok", "encryption": "ok"},
        }

    def test_it_says_which_check_failed_but_not_why(self, client):
        with connection.execute_wrapper(break_database):
            answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json() == {
            "status": "unavailable",
            "checks": {"database": "failed", "migrations": "failed", "encryption": "failed"},
        }

    def test_the_log_says_why(self, client, lines):
        with connection.execute_wrapper(break_database):
            client.get("/readyz")

        failures = [line for line in lines if line["event"] == "readiness_check_failed"]
        assert [line["check"] for line in failures] == ["database", "migrations", "encryption"]
        assert failures[0]["error"] == "DatabaseError: secret-host refused"

    def test_a_migration_that_is_not_applied(self, client):
        MigrationRecorder.Migration.objects.filter(app="accounts").delete()

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert json.loads(answer.content)["checks"]["migrations"] == "failed"

    def test_that_all_is_migrated_is_asked_once(self, client, django_assert_max_num_queries):
        client.get("/readyz")

        with django_assert_max_num_queries(2):
            client.get("/readyz")

    def test_a_wrong_encryption_key(self, client):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {Canary._meta.db_table} SET song = 'gAAAAother'")

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["checks"] == {"database": "ok", "migrations": "ok", "encryption": "failed"}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_only_read(client, path):
    assert client.post(path).status_code == 405
