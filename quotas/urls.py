"""Addresses of quotas and usage: pages below /, endpoints below /api/v1/."""

from django.urls import path

from tokens.models import TokenScope
from tokens.urls import TOKENS

from . import api, usage_views, views

urlpatterns = [
    path("o/<slug:organization>", views.dashboard, name="dashboard"),
    path("o/<slug:organization>/usage", usage_views.my_usage, name="usage"),
    path("o/<slug:organization>/usage.csv", usage_views.export_my_usage, name="export-usage"),
    path("o/<slug:organization>/usage/everybody", usage_views.everybodys_usage, name="everybodys-usage"),
    path(
        "o/<slug:organization>/usage/everybody.csv", usage_views.export_everybodys_usage, name="export-everybodys-usage"
    ),
]

GROUP_TOKEN = f"{TOKENS}/group/<token_name:name>"

api_urlpatterns = [
    *(
        path(f"{TOKENS}/{scope}/<token_name:name>/{what}", view.as_view(scope=scope))
        for scope in TokenScope.values
        for what, view in (("can-run", api.CanRun), ("time-left", api.TimeLeft))
    ),
    path(f"{GROUP_TOKEN}/users", api.TokenUsers.as_view()),
    path(f"{GROUP_TOKEN}/quotas", api.Quotas.as_view()),
    path(f"{GROUP_TOKEN}/quotas/group", api.GroupQuota.as_view()),
    path(f"{GROUP_TOKEN}/quotas/users/<email:email>", api.UserQuota.as_view()),
    path("organizations/<slug:organization>/usage", api.UsageList.as_view()),
]
