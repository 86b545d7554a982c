"""A server of its own for each of these, whatever database the other tests run on."""

import os
import subprocess
import sys

import dj_database_url
import psycopg
import pytest
from django.db import InternalError, OperationalError
from django.db.utils import ConnectionHandler

from lunaportal.views import AWAY
from tests.postgres import fresh_server

SIZE = 10
WAIT_MS = 10_000
CUT_OFF = f"""SELECT count(pg_terminate_backend(pid, {WAIT_MS})) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture(scope="module")
def server():
    with fresh_server() as url:
        yield url


@pytest.fixture
def connection(server, db):
    """A connection of a full pool that loses patience after 2 seconds."""
    database = dj_database_url.parse(server, engine="lunaportal.postgresql")
    database["OPTIONS"] |= {"pool": {"min_size": SIZE, "max_size": SIZE, "timeout": 2}, "prepare_threshold": 1}
    connection = ConnectionHandler({"default": {}, "pooled": database})["pooled"]
    connection.pool.open(wait=True)
    yield connection
    connection.close()
    connection.close_pool()


def test_requests_go_on_when_all_connections_of_the_pool_are_dead(server, connection):
    with psycopg.connect(server) as operator:
        operator.execute(CUT_OFF)

    for _ in range(SIZE):
        with connection.cursor() as cursor:
            assert cursor.execute("SELECT 1").fetchone() == (1,)
        connection.close()


def test_what_dies_in_the_middle_of_its_work_says_so(server, connection):
    with connection.cursor() as cursor:
        with psycopg.connect(server) as operator:
            operator.execute(CUT_OFF)

        with pytest.raises(OperationalError):
            cursor.execute("SELECT 1")


def test_what_can_only_be_read_as_a_replica_says_so_by_an_error_that_is_answered_with_503(connection):
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")

        with pytest.raises(InternalError) as refused:
            cursor.execute("CREATE TABLE anything (id int)")

    assert isinstance(refused.value, AWAY)


class TestPlanningCursor:
    @pytest.fixture(autouse=True)
    def table(self, server, connection):
        with psycopg.connect(server) as operator:
            operator.execute("DROP TABLE IF EXISTS key; CREATE TABLE key AS SELECT 1 AS id, 'ci'::varchar(10) AS name")

    def ask(self, connection):
        with connection.planning_cursor() as cursor:
            return cursor.execute("SELECT name FROM key WHERE id = %s", [1]).fetchall()

    def planned(self, connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            return cursor.fetchone()[0]

    def test_the_server_plans_a_statement_once_that_is_asked_often(self, connection):
        answers = [self.ask(connection) for _ in range(3)]

        assert answers == [[("ci",)]] * 3
        assert self.planned(connection) == 1

    def test_behind_pgbouncer_it_plans_each_time(self, connection):
        connection.ensure_connection()
        connection.connection.prepare_threshold = None

        answers = [self.ask(connection) for _ in range(3)]

        assert answers == [[("ci",)]] * 3
        assert self.planned(connection) == 0

    def test_a_migration_may_change_the_type_of_a_column_meanwhile(self, server, connection):
        for _ in range(3):
            self.ask(connection)

        with psycopg.connect(server) as operator:
            operator.execute("ALTER TABLE key ALTER name TYPE varchar(20)")

        assert self.ask(connection) == [("ci",)]


FORK = """
import os
import django
django.setup()
from django.db import connection
connection.settings_dict["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1}

def server_process():
    with connection.cursor() as cursor:
        pid = cursor.execute("SELECT pg_backend_pid()").fetchone()[0]
    connection.close()  # back into the pool
    return pid

print(server_process(), flush=True)
if os.fork() == 0:
    print(server_process(), flush=True)
else:
    os.wait()
    print(server_process(), flush=True)
"""


def test_a_forked_process_shares_no_connection_with_its_parent(server):
    environment = os.environ | {"DATABASE_URL": server, "DJANGO_SETTINGS_MODULE": "tests.settings"}

    ran = subprocess.run(
        [sys.executable, "-c", FORK], env=environment | {"TEST_DATABASE_URL": server}, stdout=subprocess.PIPE, text=True
    )

    before, child, after = ran.stdout.split()
    assert before == after != child
