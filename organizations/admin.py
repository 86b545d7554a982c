"""Organizations in the operators' admin. What members do is done on the pages; here it is looked up and repaired."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from audit import log
from audit.models import Event

from . import closing, services
from .models import ApiKey, Invitation, Membership, Organization
from .permissions import Role


class AuditedAdmin(admin.ModelAdmin):
    """Writes the operator's changes into the audit log, in the transaction of the change."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.record(request, obj, "changed" if change else "added", fields=", ".join(form.changed_data))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.record(request, obj, "deleted")
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for obj in queryset:
            self.record(request, obj, "deleted")
        super().delete_queryset(request, queryset)

    def record(self, request: HttpRequest, obj: Model, change: str, **details: str) -> None:
        organization = obj if isinstance(obj, Organization) else getattr(obj, "organization", None)
        action = Event.Action.ADMIN_CHANGED
        log.record(action, by=cast(User, request.user), target=obj, organization=organization, change=change, **details)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[str], dict[str, int], set[str], list]:
        """What hangs on a row goes with it, also what cannot be deleted alone, such as API keys."""
        to_delete, counts, _forbidden, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), protected


class ReadOnlyAdmin(admin.ModelAdmin):
    """To be looked at, not changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Organization)
class OrganizationAdmin(AuditedAdmin):
    """Organizations are closed, and deleted by the worker a week later or, once they are closed, here."""

    list_display = ("name", "slug", "plan", "created_at", "closed_at")
    list_filter = ("plan", "closed_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ("closed_at",)
    actions = ("close", "reopen")

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and obj.is_closed

    @admin.action(description="Close the selected organizations: they are deleted a week later", permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        for organization in queryset.filter(closed_at=None):
            closing.close_organization(organization=organization, by=cast(User, request.user), now=timezone.now())
        self.message_user(request, "The organizations are closed.")

    @admin.action(description="Reopen the selected organizations", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        for organization in queryset.filter(closed_at__isnull=False):
            closing.reopen_organization(organization=organization, by=cast(User, request.user))
        self.message_user(request, "The organizations are open again.")


class MembershipForm(forms.ModelForm):
    class Meta:
        model = Membership
        fields = ("user", "organization", "role")

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if self.instance.pk and role == Role.MEMBER:
            services.keep_an_admin(self.instance)
        return role


@admin.register(Membership)
class MembershipAdmin(AuditedAdmin):
    """Members can be added, changed in their role, and taken out one by one: never the last admin."""

    form = MembershipForm
    actions = None
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "organization__name")
    autocomplete_fields = ("user", "organization")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("user", "organization") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and services.is_last_admin(obj))


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "organization", "role", "invited_by", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("organization",)
    search_fields = ("email", "organization__name")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys can be revoked here, and nothing else: making one would show it to the operator."""

    actions = ("revoke",)
    list_display = ("name", "hint", "membership", "scopes", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("membership__user", "membership__organization")
    search_fields = ("name", "hint", "membership__user__email", "membership__organization__name")
    exclude = ("digest",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return cast(User, request.user).has_perm("organizations.change_apikey")

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset.select_related("membership__organization"):
            services.revoke_key(key=key, by=cast(User, request.user), now=timezone.now())
        self.message_user(request, "The keys are revoked.")
