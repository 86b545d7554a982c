"""Addresses of QPU tokens: pages below /, endpoints below /api/v1/."""

from django.urls import path

from . import api, views
from .models import TokenScope

PAGES = "o/<slug:organization>/tokens"

urlpatterns = [
    path(PAGES, views.tokens, name="tokens"),
    path(f"{PAGES}/new", views.upload_token, name="upload-token"),
    *(
        path(f"{PAGES}/{scope}/<token_name:name>{rest}", view, {"scope": scope}, name=url_name)
        for scope in TokenScope.values
        for rest, view, url_name in (
            ("", views.token, "token"),
            ("/settings", views.token_settings, "token-settings"),
            ("/test", views.test_token, "test-token"),
            ("/secret", views.replace_secret, "replace-secret"),
            ("/delete", views.delete_token, "delete-token"),
        )
    ),
]

TOKENS = "organizations/<slug:organization>/qpu-tokens"

api_urlpatterns = [
    path(TOKENS, api.Tokens.as_view()),
    *(
        path(f"{TOKENS}/{scope}/<token_name:name>{rest}", view.as_view(scope=scope))
        for scope in TokenScope.values
        for rest, view in (("", api.TokenDetail), ("/secret", api.TokenSecret), ("/test", api.TokenTest))
    ),
]
