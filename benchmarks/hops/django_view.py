"""A project of one asynchronous Django view that passes requests on, without any middleware: what one writes first."""

import os

import aiohttp
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY="not needed", MIDDLEWARE=[])

UPSTREAM = os.environ["BENCHMARK_UPSTREAM"]
sessions: list[aiohttp.ClientSession] = []  # one, made when there is an event loop


def session() -> aiohttp.ClientSession:
    if not sessions:
        sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    return sessions[0]


async def forward(request: HttpRequest) -> HttpResponse:
    headers = {"Content-Type": request.headers.get("Content-Type", ""), "X-Auth-Token": "secret"}
    async with session().request(
        str(request.method), UPSTREAM + request.get_full_path(), data=request.body, headers=headers
    ) as answer:
        body = await answer.read()
        return HttpResponse(body, answer.content_type, headers={"Content-Length": str(len(body))})


urlpatterns = [re_path("", forward)]
application = get_asgi_application()
