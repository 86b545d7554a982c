"""REST API of quotas and usage, below /api/v1/organizations/<organization>/."""

import unicodedata
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import F, Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import normalize_email
from organizations.access import MemberAPIView, require
from organizations.lists import MemberListAPIView, PageQuery
from organizations.models import Membership
from organizations.permissions import Permission
from tokens.access import find_token
from tokens.models import QpuToken, TokenScope
from tokens.names import MAX_LENGTH
from tokens.services import require_group_tokens

from . import services
from .access import QuotaAPIView
from .assignments import Outlook, Wish, assign_many, plan
from .models import OfJobsQuerySet, RefusedJobs, RefusedJobsQuerySet, TimeQuotaPolicy, Usage, UsageQuerySet
from .policies import MAX_NS
from .serializers import (
    AssignedSerializer,
    AssignQuotaSerializer,
    AssignQuotasSerializer,
    ChangeQuotaSerializer,
    DecisionSerializer,
    QuotaSerializer,
    RefusedJobsSerializer,
    TimeLeftSerializer,
    TokenUserSerializer,
    UsageSerializer,
)

Q = TypeVar("Q", bound=OfJobsQuerySet[Any])

# --- For admins: who may use how much ---------------------------------------------------------------------------------


class QuotaQuery(PageQuery):
    search = serializers.CharField(required=False, help_text="Part of a member's email address.")


class Quotas(MemberListAPIView):
    """List the quotas on a group token: the group's, and those of single members."""

    serializer_class = QuotaSerializer
    query_serializer_class = QuotaQuery
    permissions = {"GET": Permission.VIEW_QUOTAS}
    ordering = "id"

    def get_queryset(self) -> QuerySet[TimeQuotaPolicy]:
        token = find_token(self.membership, TokenScope.GROUP, self.kwargs["name"])
        policies = token.quotas.select_related("member__user")
        part = self.query.get("search")
        return policies.filter(member__user__email__icontains=part) if part else policies


class GroupQuota(QuotaAPIView):
    """How much everybody together may spend on a group token."""

    serializer_class = QuotaSerializer
    input_serializers = {"POST": AssignQuotaSerializer, "PATCH": ChangeQuotaSerializer}

    def get(self, request: Request, **kwargs: str) -> Response:
        """Show a quota, and what is left of it."""
        return Response(self.get_serializer(self.policy).data)


class UserQuota(GroupQuota):
    """How much one member may spend on a group token."""


class AssignQuotas(MemberAPIView):
    serializer_class = AssignedSerializer
    input_serializers = {"POST": AssignQuotasSerializer}
    permissions = {"POST": Permission.ASSIGN_QUOTAS}

    @extend_schema(responses={200: AssignedSerializer})
    def post(self, request: Request, **kwargs: str) -> Response:
        """Give many members a quota: those named, everybody, or who has none; all of them or nobody.

        Who has a quota keeps what is used, and the window where no other one is given. With `preview` nothing changes.
        """
        token, now = find_token(self.membership, TokenScope.GROUP, self.kwargs["name"]), timezone.now()
        wishes = self.wishes(token)
        assignments = plan(token, wishes, now)
        if self.input["preview"]:
            changed = sum(each.outlook != Outlook.SAME for each in assignments)
        else:
            changed = assign_many(token=token, wishes=wishes, by=self.membership, now=now)
        answer = {"is_preview": self.input["preview"], "changed": changed, "quotas": assignments}
        return Response(self.get_serializer(answer).data)

    def wishes(self, token: QpuToken) -> list[Wish]:
        """What each member is to have; a 422 that names whoever is no member."""
        own = {wish["user"]: wish for wish in self.input["users"]}
        members = self.membership.organization.memberships.select_related("user", "organization")
        match self.input["whom"]:
            case "users":
                members = members.filter(user__email__in=own)
            case "without":
                members = members.exclude(quotas__token=token)
        found = list(members.order_by("user__email"))
        if strangers := own.keys() - {member.user.email for member in found}:
            raise ValidationError({"users": f"No members: {', '.join(sorted(strangers))}."}, code="unknown")
        return [self.wish_for(member, own.get(member.user.email, {})) for member in found]

    def wish_for(self, member: Membership, own: dict[str, Any]) -> Wish:
        quota_ns, start, end = (
            self.input[name] if own.get(name) is None else own[name] for name in ("quota_ns", "start", "end")
        )
        return Wish(member, quota_ns, start, end)


class UserQuery(PageQuery):
    search = serializers.CharField(required=False, help_text="Part of an email address.")
    order = serializers.ChoiceField(choices=["email", "-email"], default="email")


class TokenUsers(MemberListAPIView):
    """List who may use a group token: every member, with their own quota, and whether they can run now."""

    serializer_class = TokenUserSerializer
    query_serializer_class = UserQuery
    permissions = {"GET": Permission.VIEW_QUOTAS}

    @cached_property
    def token(self) -> QpuToken:
        return find_token(self.membership, TokenScope.GROUP, self.kwargs["name"])

    def get_queryset(self) -> QuerySet[Membership]:
        require_group_tokens(self.membership.organization)
        quotas = Prefetch("quotas", self.token.quotas.all(), to_attr="quotas_on_token")
        members = self.membership.organization.memberships.select_related("user").prefetch_related(quotas)
        part = self.query.get("search")
        members = members.filter(user__email__icontains=part) if part else members
        return members.annotate(email=F("user__email"))

    def get_serializer_context(self) -> dict[str, Any]:
        group = [policy.limit for policy in self.token.quotas.of_group()] if hasattr(self, "membership") else []
        return {**super().get_serializer_context(), "group_limits": group, "now": timezone.now()}


# --- For everybody: what I may use ------------------------------------------------------------------------------------


class CanRunQuery(serializers.Serializer):
    access_time_ns = serializers.IntegerField(
        min_value=1, max_value=MAX_NS, default=1, help_text="QPU access time that the job would take, in nanoseconds."
    )


class CanRun(MemberAPIView):
    """Tell which quotas limit me on a token, what is left, and what would refuse a job of so many nanoseconds now."""

    serializer_class = DecisionSerializer
    query_serializer_class = CanRunQuery
    permissions = {"GET": Permission.VIEW_OWN_QUOTAS}
    scope = ""  # from the URL configuration

    def get(self, request: Request, **kwargs: str) -> Response:
        decision = services.can_run(
            token=find_token(self.membership, self.scope, self.kwargs["name"]),
            member=self.membership,
            needed_ns=self.query["access_time_ns"],
            now=timezone.now(),
        )
        return Response(self.get_serializer(decision).data)


class TimeLeft(MemberAPIView):
    """Tell what is left for me on a token now and which quota says so, what I have open, what my last jobs cost."""

    serializer_class = TimeLeftSerializer
    permissions = {"GET": Permission.VIEW_OWN_QUOTAS}
    scope = ""  # from the URL configuration

    def get(self, request: Request, **kwargs: str) -> Response:
        token = find_token(self.membership, self.scope, self.kwargs["name"])
        decision = services.can_run(token=token, member=self.membership, needed_ns=1, now=timezone.now())
        jobs = Usage.objects.of_member(self.membership).filter(token_id=token.pk)
        answer = {"decision": decision, "open": jobs.open().totals(), "last_jobs": jobs.settled().order_by("-id")[:10]}
        return Response(self.get_serializer(answer).data)


# --- The ledger -------------------------------------------------------------------------------------------------------


class JobsQuery(PageQuery):
    of = serializers.ChoiceField(
        choices=["me", "organization"], default="me", help_text="Everybody's jobs are for admins."
    )
    user = serializers.EmailField(required=False, help_text="Email address of a user at the time of the job.")
    token = serializers.CharField(
        required=False, max_length=4 * MAX_LENGTH, help_text="Name of a token at the time of the job."
    )
    source = serializers.ChoiceField(choices=Usage.Source.choices, required=False)  # type: ignore[assignment]
    order = serializers.ChoiceField(choices=["id", "-id"], default="-id")

    def validate_user(self, value: str) -> str:
        return normalize_email(value)

    def validate_token(self, value: str) -> str:
        return unicodedata.normalize("NFC", value)


class UsageQuery(JobsQuery):
    status = serializers.ChoiceField(choices=Usage.Status.choices, required=False)
    since = serializers.DateTimeField(required=False, help_text="Created at or after.")
    until = serializers.DateTimeField(required=False, help_text="Created before.")


# Query parameter -> look-up.
JOB_FILTERS = {"user": "user_email", "token": "token_name", "source": "source"}
USAGE_FILTERS = JOB_FILTERS | {"status": "status", "since": "created_at__gte", "until": "created_at__lt"}


class JobsAPIView(MemberListAPIView):
    """Rows about jobs: one's own or, for admins, everybody's on the organization's tokens."""

    permissions = {"GET": Permission.VIEW_OWN_USAGE}
    filters: ClassVar[dict[str, str]] = JOB_FILTERS

    def narrow(self, rows: Q) -> Q:
        """Those of the rows that the query asks for."""
        if self.query["of"] == "organization":
            require(self.membership, Permission.VIEW_USAGE)
            rows = rows.of_organization(self.membership)
        else:
            rows = rows.of_member(self.membership)
        return rows.filter(
            **{look_up: self.query[name] for name, look_up in self.filters.items() if name in self.query}
        )


class UsageList(JobsAPIView):
    """List jobs, newest first: my own or, for admins, everybody's on the organization's tokens."""

    serializer_class = UsageSerializer
    query_serializer_class = UsageQuery
    filters = USAGE_FILTERS

    def get_ordering(self) -> tuple[str, ...]:
        """By time where some days are asked for: by id, all that came after them would have to be read first."""
        (order,) = super().get_ordering()
        return (order.replace("id", "created_at"), order) if {"since", "until"} & self.query.keys() else (order,)

    def get_queryset(self) -> UsageQuerySet:
        return self.narrow(Usage.objects.all())


class RefusalQuery(JobsQuery):
    reason = serializers.ChoiceField(choices=RefusedJobs.Reason.choices, required=False)
    since = serializers.DateField(required=False, help_text="First day (UTC).")
    until = serializers.DateField(required=False, help_text="Last day (UTC), included.")


class RefusalList(JobsAPIView):
    """List jobs that were refused: one row for a day, user, token and reason, with how many there were.

    What stands beside the count (solver, what was needed, what was left) is of the last one. Kept for 90 days.
    """

    serializer_class = RefusedJobsSerializer
    query_serializer_class = RefusalQuery
    filters = JOB_FILTERS | {"reason": "reason", "since": "day__gte", "until": "day__lte"}

    def get_queryset(self) -> RefusedJobsQuerySet:
        return self.narrow(RefusedJobs.objects.all())
