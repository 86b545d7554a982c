from django.contrib import admin
from django.http import HttpRequest

from .models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    """For reading only."""

    list_display = ["at", "actor", "action", "target", "organization_id", "key", "address"]
    list_filter = ["at", "action"]
    search_fields = ["actor", "target", "key", "=organization_id", "=target_id"]
    ordering = ["-id"]
    show_full_result_count = False  # counting millions of lines takes longer than showing a page

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False
