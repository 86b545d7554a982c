"""A server of its own for each of these, whatever database the other tests run on."""

import dj_database_url
import psycopg
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

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
    database["OPTIONS"]["pool"] = {"min_size": SIZE, "max_size": SIZE, "timeout": 2}
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
