"""Addresses of the Luna SDK, below each of its base addresses; no trailing slashes, for it must never be redirected."""

from django.urls import path

from tokens.models import SDK_SCOPES

from . import views

# What LunaSolve and LunaQ clients share.
urlpatterns = [
    path("users/me", views.Me.as_view()),
    path("qpu-tokens", views.TokenList.as_view()),
    path("qpu-tokens/shared/quota/group/<token_name:name>", views.GroupQuota.as_view()),
    path("qpu-tokens/shared/quota/user/<token_name:name>/<email:email>", views.UserQuota.as_view()),
    *(
        path(f"qpu-tokens/{wire}{rest}", view.as_view(scope=scope))
        for wire, scope in SDK_SCOPES.items()
        for rest, view in (("", views.CreateToken), ("/<token_name:name>", views.TokenDetail))
    ),
]

solve_urlpatterns = [
    path("solvers/available", views.Solvers.as_view()),
    path("providers/available", views.Providers.as_view()),
]
