"""REST API of the rules of tokens and of problems, below /api/v1/organizations/<organization>/."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.access import MemberAPIView, find
from organizations.models import Membership
from organizations.permissions import Permission
from quotas.api import USAGE_FILTERS, UsageList, UsageQuery
from quotas.models import Usage, UsageQuerySet
from tokens.access import TokenAPIView

from .cancel import NotAnswered, cancel_problem
from .rules import change_rules, rules_of
from .serializers import CancellationSerializer, ChangeRulesSerializer, ProblemSerializer, RulesSerializer
from .services import STATUSES


class Rules(TokenAPIView):
    """What jobs on a token may be, beside its quotas."""

    serializer_class = RulesSerializer
    input_serializers = {"PATCH": ChangeRulesSerializer}

    def get(self, request: Request, **kwargs: str) -> Response:
        """Show which solvers may be used, what one job may reserve, and how many problems may be open."""
        return Response(self.get_serializer(rules_of(self.token)).data)

    def patch(self, request: Request, **kwargs: str) -> Response:
        """Change the rules of a D-Wave token, for jobs that come from now on. What is left out stays."""
        rules = change_rules(token=self.token, **self.input, by=self.membership)
        return Response(self.get_serializer(rules).data)


# --- Problems ---------------------------------------------------------------------------------------------------------


class ProblemQuery(UsageQuery):
    status = serializers.ChoiceField(choices=sorted(STATUSES), required=False, help_text="What D-Wave said last.")
    open = serializers.BooleanField(
        allow_null=True, default=None, help_text="Whether what it reserved is still held: true, false or both."
    )
    solver = serializers.CharField(required=False, max_length=100, help_text="Name of a solver.")


class Problems(UsageList):
    """List problems at D-Wave, newest first: my own or, for admins, everybody's on the organization's tokens."""

    serializer_class = ProblemSerializer  # type: ignore[assignment]
    query_serializer_class = ProblemQuery
    filters = {**USAGE_FILTERS, "status": "problem__status", "solver": "solver"}

    def get_queryset(self) -> UsageQuerySet:
        jobs = with_problems(super().get_queryset())
        match self.query["open"]:
            case True:
                return jobs.open()
            case False:
                return jobs.exclude(status=Usage.Status.RESERVED)
        return jobs


def with_problems(jobs: UsageQuerySet) -> UsageQuerySet:
    """Those lines of the ledger that are problems at D-Wave."""
    return jobs.filter(problem__isnull=False).select_related("problem")


def find_problem(member: Membership, pk: int, everybodys: Permission) -> Usage:
    """A problem of the member's or, with the right to everybody's, anybody's on the organization's tokens."""
    jobs = Usage.objects.of_member(member)
    if member.can(everybodys):
        jobs |= Usage.objects.of_organization(member)
    return find(with_problems(jobs), pk, "No such problem.")


class OneProblem(MemberAPIView):
    serializer_class = ProblemSerializer
    permissions = {"GET": Permission.VIEW_OWN_USAGE}

    def get(self, request: Request, problem_id: int, **kwargs: str) -> Response:
        """Show a problem: mine or, to admins, anybody's on the organization's tokens."""
        usage = find_problem(self.membership, problem_id, Permission.VIEW_USAGE)
        return Response(self.get_serializer(usage).data)


class ServiceUnavailable(APIException):
    status_code = 503


class CancelProblem(MemberAPIView):
    serializer_class = CancellationSerializer
    permissions = {"POST": Permission.USE_TOKENS}

    @extend_schema(
        responses={200: CancellationSerializer, 503: OpenApiResponse(description="D-Wave did not answer. Try again.")}
    )
    def post(self, request: Request, problem_id: int, **kwargs: str) -> Response:
        """Cancel a problem: mine or, for admins, anybody's on the organization's tokens.

        D-Wave decides: what runs on a QPU already may still end, and then costs what it took.
        """
        usage = find_problem(self.membership, problem_id, Permission.CANCEL_PROBLEMS)
        try:
            outcome = cancel_problem(usage=usage, by=self.membership, now=timezone.now())
        except NotAnswered as error:
            raise ServiceUnavailable(str(error)) from None
        return Response(self.get_serializer({"outcome": outcome, "message": outcome.label}).data)
