"""The way into /admin/."""

from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from .mfa import has_second_factor
from .models import User


def lacks_second_factor(user: User) -> bool:
    return settings.REQUIRE_STAFF_MFA and not has_second_factor(user)


class OperatorsAdminSite(admin.AdminSite):
    """Django's admin, behind the portal's own sign-in and, with REQUIRE_STAFF_MFA, a second factor."""

    site_title = site_header = "Luna Portal"
    index_title = "Operators"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not lacks_second_factor(cast(User, request.user))

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Send people where they get in. Django's own form here would take a password without the second factor."""
        user = request.user
        if user.is_anonymous:
            return redirect_to_login(request.GET.get("next", reverse("admin:index")))
        if not user.is_staff:
            raise PermissionDenied
        if lacks_second_factor(user):
            messages.warning(request, "The operators' pages need a second factor. Set one up here, then go back there.")
            return redirect("mfa_index")
        return redirect("admin:index")

    def password_change(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> Any:
        """Where everybody changes it: with an audit line, and the other sessions end."""
        return redirect("account_change_password")
