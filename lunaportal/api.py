"""What all API answers share: the form of errors, pages of lists, JSON whatever is asked for."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, RequestDataTooBig, ValidationError
from django.db import DatabaseError, DataError
from django.db.models import QuerySet
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.errors import Conflict

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which itself imports this module, by name from the settings

INTERNAL_CODES = {
    400: "MALFORMED_REQUEST",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    422: "VALIDATION_ERROR",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
    501: "NOT_IMPLEMENTED",
    503: "UNAVAILABLE",
}
DEFAULT_MESSAGES = {
    400: "The request could not be read. Send valid JSON.",
    403: "You may not do this.",
    404: "There is nothing at this address, or it is not yours to see.",
    405: "This address does not know that method.",
    413: "The request is too large.",
    422: "The request does not fit.",
    429: "Too many requests. Try again later.",
    500: "Something went wrong on our side. Try again, and tell your operator the X-Request-ID of this answer.",
    503: "The portal cannot answer at the moment. Try again in a few seconds.",
}

FieldErrors = dict[str, list[str]]


def error_body(status: int, message: str = "", errors: FieldErrors | None = None) -> dict[str, Any]:
    """The body of every refusal but 401: the Luna SDK shows `message` and hands on `internal_code`."""
    fallback = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "internal_code": INTERNAL_CODES.get(status, fallback.upper().replace(" ", "_")),
        "message": message or DEFAULT_MESSAGES.get(status, fallback),
    }
    if errors:
        body["errors"] = errors
    return body


def error_response(status: int, message: str = "") -> JsonResponse:
    """For refusals made outside of API views."""
    return JsonResponse(error_body(status, message), status=status)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into an answer; None (a 500) for what nobody expected.

    No message repeats the request's input: secrets are input.
    """
    headers: dict[str, str] = {}
    errors: FieldErrors = {}
    match exc:
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            # Without internal_code: only then does the Luna SDK say that the key is wrong.
            challenge = getattr(exc, "auth_header", "")
            return Response({"detail": str(exc.detail)}, status=401, headers={"WWW-Authenticate": challenge})
        case Http404():
            status, message = 404, own_words(exc)
        case PermissionDenied():
            status, message = 403, own_words(exc)
        case RequestDataTooBig():
            status, message = 413, ""
        case ValidationError():
            status = 409 if isinstance(exc, Conflict) else 422
            errors = {field: list(messages) for field, messages in errors_of(exc).items()}
            message = sentence(errors)
        case exceptions.ValidationError():
            errors = flatten(exc.detail)
            status, message = 422, sentence(errors)
        case exceptions.ParseError() | exceptions.MethodNotAllowed():
            status, message = exc.status_code, ""
        case exceptions.Throttled():
            status, message = 429, ""
            headers = {"Retry-After": str(int(exc.wait or 1) + 1)}  # type: ignore[attr-defined]
        case exceptions.APIException():
            status, message = exc.status_code, str(exc.detail)
            if seconds := getattr(exc, "retry_after", None):
                headers = {"Retry-After": str(seconds)}
        case DatabaseError() if str(exc).startswith("Save with update_fields"):
            # What Django says when the row that was to be changed is gone (its version 6 has a class for that).
            status, message = 404, "This has been deleted meanwhile."
        case _:
            return None
    return Response(error_body(status, message, errors), status=status, headers=headers)


def own_words(exc: Exception) -> str:
    return exc.args[0] if exc.args and isinstance(exc.args[0], str) else ""


def errors_of(exc: ValidationError) -> FieldErrors:
    return exc.message_dict if hasattr(exc, "error_dict") else {NON_FIELD_ERRORS: exc.messages}


def flatten(detail: Any, field: str = "") -> FieldErrors:
    """DRF's nested error details as {"path.of.field": [sentences]}."""
    if isinstance(detail, dict):
        branches = [(f"{field}.{key}" if field else str(key), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(value, dict | list) for value in detail):
        branches = [(f"{field}.{index}", value) for index, value in enumerate(detail) if value]
    else:
        return {field or NON_FIELD_ERRORS: [plain(message) for message in detail]}
    return {path: messages for key, value in branches for path, messages in flatten(value, key).items()}


def plain(message: exceptions.ErrorDetail) -> str:
    # DRF's own text for this code repeats what was sent.
    return "This is not one of the possible values." if message.code == "invalid_choice" else str(message)


def sentence(errors: FieldErrors) -> str:
    """All errors in one line, for clients that show only a message."""
    return " ".join(
        message if field in {NON_FIELD_ERRORS, "non_field_errors"} else f"{field}: {message}"
        for field, messages in errors.items()
        for message in messages
    )


class AlwaysJSON(BaseContentNegotiation):
    """Answer JSON whatever Accept says: there is nothing else to choose from."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class NullAwareJSONRenderer(JSONRenderer):
    """Writes None as null, where DRF would write nothing at all; the Luna SDK reads null as "no quota is set"."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None and renderer_context["response"].status_code != HTTPStatus.NO_CONTENT:
            return b"null"
        return super().render(data, accepted_media_type, renderer_context)


class KeysetPagination(CursorPagination):
    """Pages of growing lists: each costs the same, however far down it lies (`next` and `previous` are links).

    The view says in which order (`view.get_ordering()`) and how many (`view.query["limit"]`).
    """

    def get_page_size(self, request: Request) -> int:
        return self.limit

    def get_ordering(self, request: Request, queryset: QuerySet, view: "APIView") -> tuple[str, ...]:
        return view.get_ordering()  # type: ignore[attr-defined, no-any-return]  # organizations.lists.MemberListAPIView

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list | None:
        self.limit: int = view.query["limit"]  # type: ignore[union-attr]
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DataError):  # a forged cursor that decodes, but to no position in this order
            raise exceptions.NotFound(self.invalid_cursor_message) from None
