"""Quotas and the ledger in the operators' admin, to be looked at."""

from django.contrib import admin

from organizations.admin import ReadOnlyAdmin

from .models import TimeQuotaPolicy, Usage


@admin.register(TimeQuotaPolicy)
class TimeQuotaPolicyAdmin(ReadOnlyAdmin):
    list_display = ("token", "member", "quota_ns", "used_ns", "reserved_ns", "starts_at", "ends_at")
    list_select_related = ("token", "member__user", "member__organization")
    search_fields = ("token__name", "member__user__email")


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "status", "user_email", "token_name", "source", "estimate_ns", "access_time_ns")
    list_filter = ("status", "source")
    search_fields = ("user_email", "token_name")
    show_full_result_count = False
