"""Django's own PostgreSQL backend, with a pool that recovers at once when the server has been away."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks a connection from the pool before its use, and throws away all dead ones as soon as there is one.

    The pool's own check (CONN_HEALTH_CHECKS) meets them one by one, with pauses that double each time: after a restart
    of the server, requests would wait for the pool's timeout, and fail.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.OperationalError:
            self.pool.putconn(connection)
            self.pool.check()
            return super().get_new_connection(conn_params)
        return connection
