"""Addresses of quotas and usage: pages below /, endpoints below /api/v1/."""

from django.urls import path

from tokens.models import TokenScope
from tokens.urls import PAGES, TOKENS

from . import api, assign_views, overview_views, quota_views, usage_views, views

urlpatterns = [
    path("o/<slug:organization>", views.dashboard, name="dashboard"),
    path("o/<slug:organization>/overview", overview_views.overview, name="overview"),
    path("o/<slug:organization>/usage", usage_views.my_usage, name="usage"),
    path("o/<slug:organization>/usage.csv", usage_views.export_my_usage, name="export-usage"),
    path("o/<slug:organization>/usage/everybody", usage_views.everybodys_usage, name="everybodys-usage"),
    path(
        "o/<slug:organization>/usage/everybody.csv", usage_views.export_everybodys_usage, name="export-everybodys-usage"
    ),
]

GROUP_QUOTAS = f"{PAGES}/group/<token_name:name>/quotas"
OF_GROUP = {"scope": TokenScope.GROUP}

urlpatterns += [
    path(GROUP_QUOTAS, quota_views.token_quotas, OF_GROUP, name="token-quotas"),
    path(f"{GROUP_QUOTAS}.csv", quota_views.export_quotas, OF_GROUP, name="export-quotas"),
    path(f"{GROUP_QUOTAS}/group", quota_views.edit_quota, OF_GROUP, name="group-quota"),
    path(f"{GROUP_QUOTAS}/group/set", quota_views.set_quota, OF_GROUP, name="set-group-quota"),
    path(f"{GROUP_QUOTAS}/group/remove", quota_views.remove_quota, OF_GROUP, name="remove-group-quota"),
    path(f"{GROUP_QUOTAS}/members/<int:member_id>", quota_views.edit_quota, OF_GROUP, name="member-quota"),
    path(f"{GROUP_QUOTAS}/members/<int:member_id>/set", quota_views.set_quota, OF_GROUP, name="set-member-quota"),
    path(
        f"{GROUP_QUOTAS}/members/<int:member_id>/remove", quota_views.remove_quota, OF_GROUP, name="remove-member-quota"
    ),
    path(f"{GROUP_QUOTAS}/assign", assign_views.assign_quotas, OF_GROUP, name="assign-quotas"),
    path(f"{GROUP_QUOTAS}/assign/apply", assign_views.apply_quotas, OF_GROUP, name="apply-quotas"),
    path(f"{GROUP_QUOTAS}/remove", assign_views.remove_quotas, OF_GROUP, name="remove-quotas"),
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
    path(f"{GROUP_TOKEN}/quotas/assign", api.AssignQuotas.as_view()),
    path(f"{GROUP_TOKEN}/quotas/group", api.GroupQuota.as_view()),
    path(f"{GROUP_TOKEN}/quotas/users/<email:email>", api.UserQuota.as_view()),
    path("organizations/<slug:organization>/usage", api.UsageList.as_view()),
    path("organizations/<slug:organization>/refusals", api.RefusalList.as_view()),
]
