"""Django's own PostgreSQL backend.

Its pool outlives the server's absence and is shared by no two processes, and frequent queries are planned once.
"""

import os
import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool


class PlanningCursor(psycopg.Cursor[Any]):
    """Has the server plan a statement once in each connection that asks it often (psycopg's prepare_threshold)."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        try:
            return super().execute(query, params, **options)
        except psycopg.errors.FeatureNotSupported:  # a migration has changed the type of a column since
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
            return super().execute(query, params, prepare=False)


class DatabaseOperations(operations.DatabaseOperations):
    """Knows what was asked also where psycopg keeps no text: of a statement that was planned before."""

    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> Any:
        return super().last_executed_query(cursor, sql, params) or self.compose_sql(sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """Throws away all dead connections of the pool as soon as it meets one.

    The pool's own check (CONN_HEALTH_CHECKS) meets them one by one, with pauses that double each time: after a restart
    of the server, requests would wait for the pool's timeout, and fail. It also asks the server before each use.
    """

    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if not has_news(connection):
            return connection
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.OperationalError:
            self.pool.putconn(connection)
            self.pool.check()
            return super().get_new_connection(conn_params)
        return connection

    def planning_cursor(self) -> CursorWrapper:
        """For queries asked all the time, whose planning takes longer than the rest; for comparisons only.

        Values go to the server beside the SQL, where Django's own cursors write them into it: a sum of a column and
        a value would have another type.
        """
        self.ensure_connection()
        return self._prepare_cursor(PlanningCursor(self.connection))  # type: ignore[attr-defined, no-any-return]


def has_news(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has sent something without being asked: most often that this is the end. No round trip."""
    socket = select.poll()  # not select.select, which knows no file beyond the 1,024th
    socket.register(connection.fileno(), select.POLLIN)
    return bool(socket.poll(0))


inherited_pools: list[Any] = []  # kept, so that nothing tidies them up here


def leave_pools_to_parent() -> None:
    """Have a forked process make pools of its own: over one socket two would read each other's answers.

    Closing connections before a fork, as django-q does, only puts them back into the pool.
    """
    inherited_pools.extend(DatabaseWrapper._connection_pools.values())  # type: ignore[attr-defined]
    DatabaseWrapper._connection_pools.clear()  # type: ignore[attr-defined]


os.register_at_fork(after_in_child=leave_pools_to_parent)
