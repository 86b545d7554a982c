"""Addresses that fail in every way, for the tests of logs and error pages."""

import redis.exceptions
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from lunaportal import urls, views

REFUSALS = {
    "bad": BadRequest,
    "forbidden": PermissionDenied,
    "suspicious": SuspiciousOperation,
    "no-database": OperationalError,
    "no-connection": InterfaceError,
    "only-a-replica": InternalError,
    "no-cache": redis.exceptions.ConnectionError,
    "slow-cache": redis.exceptions.TimeoutError,
}


@login_not_required
def show(request: HttpRequest, key: str) -> HttpResponse:
    return HttpResponse(request.META["REMOTE_ADDR"])


@login_not_required
def crash(request: HttpRequest, key: str) -> HttpResponse:
    password = request.headers.get("X-Canary", "")
    raise RuntimeError(f"upstream refused {password}")


@login_not_required
def refuse(request: HttpRequest, key: str) -> HttpResponse:
    raise REFUSALS[key]("no")


@login_not_required
@csrf_exempt
def read_body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


@login_not_required
@csrf_protect
def post(request: HttpRequest, key: str) -> HttpResponse:
    return HttpResponse()


def closed(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for people who have signed in")


urlpatterns = [
    path("accounts/login/", show, {"key": ""}, name="account_login"),
    path("api/closed", closed),
    path("livez", views.livez),
    path("readyz", views.readyz),
    path("show/<key>", show),
    path("crash/<key>", crash),
    path("refuse/<key>", refuse),
    path("post/<key>", post),
    path("read", read_body),
    path("api/show/<key>", show),
    path("api/crash/<key>", crash),
    path("api/refuse/<key>", refuse),
    path("api/read", read_body),
]

handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
