"""A project of one Django view that asks the database for one row by its index, without any middleware."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import models
from django.http import HttpRequest, JsonResponse
from django.urls import re_path
from environs import Env

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {**Env().dj_db_url("DATABASE_URL"), "CONN_MAX_AGE": None}},
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not needed",
)
TOKEN_ID = int(os.environ["BENCHMARK_TOKEN"])
application = get_wsgi_application()


class Token(models.Model):
    name = models.CharField(max_length=128)
    provider = models.CharField(max_length=20)

    class Meta:
        app_label = "benchmark"
        db_table = "tokens_qputoken"
        managed = False

    def __str__(self) -> str:
        return self.name


def show(request: HttpRequest) -> JsonResponse:
    token = Token._default_manager.get(pk=TOKEN_ID)
    answer = JsonResponse({"name": token.name, "provider": token.provider})
    answer["Content-Length"] = str(len(answer.content))
    return answer


urlpatterns = [re_path("", show)]
