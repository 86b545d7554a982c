"""Health, and what is answered where nothing else answers."""

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import redis.exceptions
import structlog
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from encryption import canary

from .api import error_response
from .paths import is_api

log = structlog.get_logger(__name__)

# InternalError is what PostgreSQL says where it is still a replica, or has ended a transaction by itself.
AWAY = (
    OperationalError,
    InterfaceError,
    InternalError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
)
RETRY_SECONDS = 2


@login_not_required
@require_safe
@never_cache
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the portal can be used, else 503; names what failed, and tells only the log why."""
    passed = {
        "database": passes("database", ask_database),
        "migrations": passes("migrations", require_migrated),
        "encryption": passes("encryption", canary.verify),
    }
    ready = all(passed.values())
    return JsonResponse(
        {
            "status": "ok" if ready else "unavailable",
            "checks": {name: "ok" if fine else "failed" for name, fine in passed.items()},
        },
        status=200 if ready else 503,
    )


def passes(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception as error:
        log.error("readiness_check_failed", check=name, error=f"{type(error).__name__}: {error}")
        return False
    return True


def ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache  # of the good answer: an exception is not kept
def require_migrated() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("There are migrations to be applied: run manage.py migrate.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request.path_info):
        return error_response(413 if isinstance(exception, RequestDataTooBig) else 400)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(403) if is_api(request.path_info) else defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(404) if is_api(request.path_info) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for a mistake of ours; 503 while the database or the cache is away, so that programs try again."""
    if isinstance(sys.exception(), AWAY):
        response = error_response(503) if is_api(request.path_info) else defaults.server_error(request, "503.html")
        response.status_code = 503
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
    return error_response(500) if is_api(request.path_info) else defaults.server_error(request)


# The description of the API holds nothing of anybody: whoever writes a program may read it.
public: dict[str, Any] = {
    "authentication_classes": [],
    "permission_classes": [AllowAny],
    "http_method_names": ["get", "head"],
}
schema = SpectacularJSONAPIView.as_view(**public)
api_docs = SpectacularSwaggerSplitView.as_view(url_name="api-schema", **public)
