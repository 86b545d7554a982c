"""Logs: one JSON object per line in production, readable lines in development, and never a secret in either."""

import logging
import logging.config
import sys
import time
import uuid
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.functional import LazyObject, empty
from django_structlog.middlewares import RequestMiddleware
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, JSONRenderer, StackInfoRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from monitoring.metrics import count_request

from .redaction import describe_exception, hide_secrets


def configure(config: dict[str, Any]) -> None:
    """Send everything that is logged, by structlog or by the standard library, through the same processors.

    This is settings.LOGGING_CONFIG; `config` has a `format` (json or console) and a `level`. Logs go to standard error,
    for some commands print on standard output what scripts read.
    """
    context: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *context,
            structlog.stdlib.PositionalArgumentsFormatter(),
            StackInfoRenderer(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": ProcessorFormatter,
        "pass_foreign_args": True,
        "foreign_pre_chain": [*context, name_the_route],
        "processors": [
            ProcessorFormatter.remove_processors_meta,
            ExceptionRenderer(describe_exception),
            hide_secrets,
            renderer(config["format"]),
        ],
    }
    # Libraries print queries and addresses when they debug.
    not_debugging = {"level": max(config["level"], logging.INFO)}
    # What these say with the full path, RequestLogMiddleware says with the route.
    replaced = {"level": logging.CRITICAL}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"portal": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "portal"}},
            "root": {"handlers": ["stderr"], "level": config["level"]},
            "loggers": {
                "django": not_debugging,
                "urllib3": not_debugging,
                "django.request": replaced,
                "django.server": replaced | {"propagate": True},
            },
        }
    )


def renderer(log_format: str) -> Processor:
    if log_format == "json":
        return JSONRenderer()  # in ASCII: some letters end a line, or steer a terminal
    return ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)


def name_the_route(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Put the route for the path, which is the last argument of all that Django logs about a request."""
    record, arguments = event_dict["_record"], event_dict.pop("positional_args")
    request = getattr(record, "request", None)
    if arguments and isinstance(request, HttpRequest):
        event_dict["event"] = record.msg % (*arguments[:-1], route_of(request))
    return event_dict


def route_of(request: HttpRequest) -> str:
    """The pattern that the path matched: paths hold names, addresses, reset keys and invitations."""
    return "/" + request.resolver_match.route if request.resolver_match else "(no such page)"


class RequestLogMiddleware(RequestMiddleware):
    """One line and one count per request, and a request id on every other line and in the answer's X-Request-ID."""

    def prepare(self, request: HttpRequest) -> None:
        request.META["lunaportal.started"] = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=str(uuid.uuid4()), ip=request.META["REMOTE_ADDR"])

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        elapsed = time.perf_counter() - request.META["lunaportal.started"]
        response["X-Request-ID"] = structlog.contextvars.get_contextvars()["request_id"]
        structlog.contextvars.bind_contextvars(duration_ms=round(elapsed * 1000, 1))
        method, route, status = str(request.method), route_of(request), response.status_code
        count_request(service="web", method=method, route=route, status=status, seconds=elapsed)
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {route_of(request)}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Name the user if the request has found out who it is: the log does not ask the database."""
        user = getattr(request, "user", None)
        if user is not None and not (isinstance(user, LazyObject) and user._wrapped is empty):
            structlog.contextvars.bind_contextvars(user_id=user.pk)
