"""Addresses of QPU tokens, below /api/v1/."""

from django.urls import path

from . import api
from .models import TokenScope

TOKENS = "organizations/<slug:organization>/qpu-tokens"

api_urlpatterns = [
    path(TOKENS, api.Tokens.as_view()),
    *(
        path(f"{TOKENS}/{scope}/<token_name:name>{rest}", view.as_view(scope=scope))
        for scope in TokenScope.values
        for rest, view in (("", api.TokenDetail), ("/secret", api.TokenSecret), ("/test", api.TokenTest))
    ),
]
