"""QPU tokens in the operators' admin: their names, never their secrets."""

from django.contrib import admin

from organizations.admin import ReadOnlyAdmin

from .models import QpuToken


@admin.register(QpuToken)
class QpuTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "provider", "owner", "organization", "created_at", "secret_changed_at")
    list_filter = ("provider",)
    list_select_related = ("owner", "organization")
    search_fields = ("name", "owner__email", "organization__name")
    exclude = ("secret", "secret_digest")
