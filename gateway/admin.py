"""Problems and the rules of tokens in the operators' admin, to be looked at; labels are their senders' business."""

from django.contrib import admin

from organizations.admin import ReadOnlyAdmin

from .models import Problem, TokenRules


@admin.register(Problem)
class ProblemAdmin(ReadOnlyAdmin):
    list_display = ("pk", "upstream_id", "usage", "endpoint", "type", "status", "seen_at")
    list_filter = ("status", "type")
    list_select_related = ("usage",)
    search_fields = ("upstream_id", "usage__user_email", "usage__token_name")
    ordering = ("-pk",)
    exclude = ("label",)
    show_full_result_count = False


@admin.register(TokenRules)
class TokenRulesAdmin(ReadOnlyAdmin):
    list_display = ("token", "solvers", "max_estimate_ns", "max_open_problems")
    list_select_related = ("token",)
    search_fields = ("token__name",)
