"""Addresses of jobs: pages below /, rules and problems below /api/v1/. Those below /dwave/ are in gateway.app."""

from django.urls import path

from tokens.models import TokenScope
from tokens.urls import PAGES, TOKENS

from . import api, problem_views, rule_views

urlpatterns = [
    path("o/<slug:organization>/jobs", problem_views.my_jobs, name="jobs"),
    path("o/<slug:organization>/jobs/everybody", problem_views.everybodys_jobs, name="everybodys-jobs"),
    path("o/<slug:organization>/jobs/<int:problem_id>/cancel", problem_views.cancel_job, name="cancel-job"),
    *(
        path(f"{PAGES}/{scope}/<token_name:name>/rules", rule_views.token_rules, {"scope": scope}, name="token-rules")
        for scope in TokenScope.values
    ),
]

PROBLEMS = "organizations/<slug:organization>/problems"

api_urlpatterns = [
    *(path(f"{TOKENS}/{scope}/<token_name:name>/rules", api.Rules.as_view(scope=scope)) for scope in TokenScope.values),
    path(PROBLEMS, api.Problems.as_view()),
    path(f"{PROBLEMS}/<int:problem_id>", api.OneProblem.as_view()),
    path(f"{PROBLEMS}/<int:problem_id>/cancel", api.CancelProblem.as_view()),
]
