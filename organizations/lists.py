"""Lists that grow: filtered by validated query parameters, in keyset pages."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .access import MemberAPIView


class PageQuery(serializers.Serializer):
    """Query parameters of every list; views add their own filters."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=50, help_text="Rows per page.")
    cursor = serializers.CharField(required=False, help_text="Where a page begins: taken from `next` or `previous`.")


class MemberListAPIView(MemberAPIView):
    """GET answers one page of `get_queryset()`, in the order of the query parameter `order` or else `ordering`."""

    query_serializer_class = PageQuery
    ordering: ClassVar[str] = "-id"

    def get_ordering(self) -> tuple[str, ...]:
        return (self.query.get("order", self.ordering),)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
