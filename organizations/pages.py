"""Long lists on pages: sorted as the address says, in keyset pages that cost the same however far down they lie."""

import base64
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db import DataError
from django.db.models import F, Model, QuerySet
from django.http import Http404, HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

Row = TypeVar("Row", bound=Model)

PAGE_SIZE = 50


def page_from(url: str, pk: int) -> str:
    """The address of the page of a list, newest first, that begins with this row; `url` is the list's."""
    cursor = base64.b64encode(urlencode({"p": pk + 1}).encode())
    return f"{url}?{urlencode({'cursor': cursor})}"


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list, and the addresses of the pages around them; templates/_pager.html links to those."""

    rows: list[Row]
    order: str
    previous: str | None
    next: str | None


def page_of(request: HttpRequest, rows: QuerySet[Row], orders: list[str], size: int = PAGE_SIZE) -> Page[Row]:
    """The page that the address asks for by `order`, one of `orders` (the first if none is named), and `cursor`.

    An order is the name of a column or an alias, perhaps with a minus before it. Its values must be (nearly) unique and
    never null.
    """
    order = request.GET.get("order", "")
    order = order if order in orders else orders[0]
    if (column := order.removeprefix("-")) in rows.query.annotations:
        rows = rows.annotate(**{column: F(column)})  # the next page begins after its value
    pagination = CursorPagination()
    pagination.page_size, pagination.ordering = size, (order,)
    try:
        found = pagination.paginate_queryset(rows, Request(request))
    except (NotFound, ValueError, DataError):  # a cursor that somebody made up
        raise Http404 from None
    return Page(found or [], order, pagination.get_previous_link(), pagination.get_next_link())
