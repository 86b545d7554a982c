"""People as operators see them: no passwords and no secrets, not even as digests."""

from typing import Any, cast

import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401  registered now, so that it can be taken out below
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from audit import log
from audit.models import Event

from . import services
from .models import User

# Some of allauth's pages show secrets (seeds of second factors, tokens of providers), others look for user names.
admin.site.unregister([EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession])


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Who lost a password resets it by mail; who leaves is made inactive, which keeps their history."""

    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    fieldsets = (
        (None, {"fields": (("email", "email_is_confirmed"), ("first_name", "last_name"), "is_active")}),
        ("Signing in", {"fields": ("second_factors", ("last_login", "date_joined"), "closed_at")}),
        ("Operator", {"classes": ("collapse",), "fields": ("is_staff", "is_superuser", "groups")}),
    )
    filter_horizontal = ("groups",)
    readonly_fields = ("email_is_confirmed", "second_factors", "last_login", "date_joined", "closed_at")
    actions = ("confirm_email", "remove_second_factors")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """An address is changed by its owner, who shows by mail that the new one is theirs."""
        return (*self.readonly_fields, "email") if obj else self.readonly_fields

    # Whoever may change people could make themselves a superuser, so only superusers may.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not change:
            obj.trust_email()
        details: dict[str, Any] = {"change": "changed" if change else "added", "fields": ", ".join(form.changed_data)}
        log.record(Event.Action.ADMIN_CHANGED, by=cast(User, request.user), target=obj, **details)

    @admin.display(boolean=True)
    def email_is_confirmed(self, user: User) -> bool:
        return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())

    @admin.display
    def second_factors(self, user: User) -> str:
        types = Authenticator.objects.filter(user=user).order_by("created_at").values_list("type", flat=True)
        return ", ".join(str(Authenticator.Type(type_).label) for type_ in types) or "none"

    @admin.action(description="Take the email addresses of selected users as confirmed", permissions=["change"])
    def confirm_email(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            services.confirm_email(user=user, by=cast(User, request.user))
        self.message_user(request, "The addresses count as confirmed.")

    @admin.action(description="Remove all second factors of selected users", permissions=["change"])
    def remove_second_factors(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            services.remove_second_factors(user=user, by=cast(User, request.user))
        self.message_user(request, "They sign in with their passwords alone until they set up second factors again.")
