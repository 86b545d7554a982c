"""QPU tokens in the operators' admin: their names, never their secrets."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from organizations.admin import ReadOnlyAdmin

from .models import QpuToken


@admin.register(QpuToken)
class QpuTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "provider", "owner", "organization", "endpoint", "created_at", "secret_changed_at", "works")
    list_filter = ("provider",)
    list_select_related = ("owner", "organization")
    search_fields = ("name", "owner__email", "organization__name")
    exclude = ("secret", "secret_digest", "is_inline")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QpuToken]:
        return super().get_queryset(request).filter(is_inline=False)
