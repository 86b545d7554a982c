"""Small queries that nearly every request asks, with their SQL written once.

Django writes a query's SQL anew each time, and that is most of its cost: of 0.57 ms of CPU time for an API key and its
member 0.18 ms are left without. PostgreSQL plans it anew each time, which is most of its own: 0.05 of 0.29 ms are left.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)

VARIANTS = 50  # of one query, which differ in how many values there are
# Stand for the values while the SQL is written; no real value is like these.
STANDINS: dict[type, Callable[[int], Any]] = {str: "\0value {}".format, int: lambda number: 2**62 + number}


class Prepared(Generic[M]):
    """A query that is called with texts and whole numbers: the rows of the queryset that `build` makes of these.

    `build` may only compare with them.
    """

    def __init__(self, build: Callable[..., QuerySet[M]]) -> None:
        self.build = build
        self.written = lru_cache(VARIANTS)(self.write)

    def __call__(self, *values: str | int) -> list[M]:
        return self.written(*map(type, values)).objects(values)

    def write(self, *types: type) -> "ObjectStatement":
        """The query for values of these types."""
        standins = standins_for(types)
        return ObjectStatement(standins, self.build(*standins))


class PreparedRows:
    """The same for rows: `build` makes one or more querysets of values_list(), whose rows follow each other."""

    def __init__(self, build: Callable[..., Sequence[QuerySet[Any, Any]]]) -> None:
        self.build = build
        self.written = lru_cache(VARIANTS)(self.write)

    def __call__(self, *values: str | int) -> list[Sequence[Any]]:
        return self.written(*map(type, values)).rows(values)

    def write(self, *types: type) -> "Statement":
        standins = standins_for(types)
        return Statement(standins, *self.build(*standins))


def standins_for(types: Sequence[type]) -> list[Any]:
    return [STANDINS[type_](number) for number, type_ in enumerate(types)]


def open_cursor() -> CursorWrapper:
    """On PostgreSQL one that plans a statement once."""
    return getattr(connection, "planning_cursor", connection.cursor)()


class Statement:
    """SQL and its parameters, (True, number of the value) or (False, constant)."""

    def __init__(self, standins: list[Any], *querysets: QuerySet[Any, Any]) -> None:
        compilers = [queryset.query.get_compiler(connection=connection) for queryset in querysets]
        written = [compiler.as_sql() for compiler in compilers]
        params = [param for _, params in written for param in params]
        if not set(standins) <= set(params):
            raise TypeError("A prepared query must compare with each of its values, as it is.")
        # As subqueries: SQLite takes neither ORDER BY nor LIMIT in the parts of a UNION themselves.
        parts = [f"SELECT * FROM ({sql}) part" for sql, _ in written]  # noqa: S608  # SQL by Django
        self.sql = " UNION ALL ".join(parts) if len(parts) > 1 else written[0][0]
        self.params = [(True, standins.index(param)) if param in standins else (False, param) for param in params]
        self.compiler: Any = compilers[0]
        self.converters = self.compiler.get_converters([column for column, *_ in self.compiler.select])

    def rows(self, values: Sequence[str | int]) -> list[Sequence[Any]]:
        with open_cursor() as cursor:
            cursor.execute(self.sql, [values[param] if is_value else param for is_value, param in self.params])
            rows = cursor.fetchall()
        return list(self.compiler.apply_converters(rows, self.converters)) if self.converters else rows


class ObjectStatement(Statement):
    """Makes objects of rows as Django does (its ModelIterable), together with what is selected beside them."""

    def __init__(self, standins: list[Any], queryset: QuerySet[Any]) -> None:
        super().__init__(standins, queryset)
        info, select = self.compiler.klass_info, self.compiler.select
        self.model = info["model"]
        self.columns = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        self.names = [column.target.attname for column, *_ in select[self.columns]]
        self.related = get_related_populators(info, select, connection.alias)  # type: ignore[call-arg]

    def objects(self, values: Sequence[str | int]) -> list[Any]:
        return [self.instance(row) for row in self.rows(values)]

    def instance(self, row: Sequence[Any]) -> Any:
        instance = self.model.from_db(connection.alias, self.names, row[self.columns])
        for populator in self.related:
            populator.populate(row, instance)
        return instance
