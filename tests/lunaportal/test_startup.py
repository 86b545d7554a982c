import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from encryption.models import Canary
from lunaportal import startup
from lunaportal.management.commands.up import listen


@pytest.fixture(autouse=True)
def stay_connected(monkeypatch):
    """The test's own transaction would go with the connection."""
    monkeypatch.setattr(startup, "disconnect", lambda: None)


@pytest.mark.django_db
class TestRefuseWrongKey:
    def test_a_key_that_fits_says_nothing(self, lines):
        startup.refuse_wrong_key()

        assert lines.text == ""

    def test_a_wrong_key_stops_the_start_and_names_the_setting(self):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {Canary._meta.db_table} SET song = 'gAAAAother'")

        with pytest.raises(ImproperlyConfigured, match="FIELD_ENCRYPTION_KEY"):
            startup.refuse_wrong_key()

    def test_a_database_that_is_not_there_yet_only_warns(self, lines):
        def refuse(execute, sql, params, many, context):
            raise DatabaseError

        with connection.execute_wrapper(refuse):
            startup.refuse_wrong_key()

        assert lines.named("database_not_reachable")["level"] == "warning"


def test_a_port_in_use_is_said_before_anything_else_happens():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CommandError, match=f"Cannot serve on 127.0.0.1, port {port}: Address already in use"):
            call_command("up", host="127.0.0.1", port=port)
