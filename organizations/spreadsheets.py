"""CSV out: streamed, and harmless to open in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

# What makes a spreadsheet take a cell for a formula: https://owasp.org/www-community/attacks/CSV_Injection
# Some part cells at semicolons or tabs, whatever the quotes around them say, so a formula could begin behind those too.
FORMULA = re.compile(r"(^|[;\t\r\n][\"' ]*)(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")


ROWS_AT_ONCE = 1000

Row = TypeVar("Row", bound=Model)


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def neutral(cell: Any) -> Any:
    """Text that no spreadsheet takes for a formula; numbers stay numbers."""
    return FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell


def csv_response(columns: list[str], rows: Iterable[Iterable[Any]], filename: str) -> StreamingHttpResponse:
    """The rows as a file to save, written while they are read: it takes no more memory for many than for few."""
    writer = csv.writer(Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(columns)
        for row in rows:
            yield writer.writerow([neutral(cell) for cell in row])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def newest_first(rows: QuerySet[Row]) -> Iterator[Row]:
    """All rows by falling id, asked for in steps that cost the same however many there are.

    One query for all of them would be sorted as a whole before the first row comes, and hold its snapshot to the end.
    """
    rows = rows.order_by("-pk")
    step = list(rows[:ROWS_AT_ONCE])
    yield from step
    while len(step) == ROWS_AT_ONCE:
        step = list(rows.filter(pk__lt=step[-1].pk)[:ROWS_AT_ONCE])
        yield from step
