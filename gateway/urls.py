"""Addresses of rules and problems, below /api/v1/. Those below /dwave/ are in gateway.app."""

from django.urls import path

from tokens.models import TokenScope
from tokens.urls import TOKENS

from . import api

PROBLEMS = "organizations/<slug:organization>/problems"

api_urlpatterns = [
    *(path(f"{TOKENS}/{scope}/<token_name:name>/rules", api.Rules.as_view(scope=scope)) for scope in TokenScope.values),
    path(PROBLEMS, api.Problems.as_view()),
    path(f"{PROBLEMS}/<int:problem_id>", api.OneProblem.as_view()),
    path(f"{PROBLEMS}/<int:problem_id>/cancel", api.CancelProblem.as_view()),
]
