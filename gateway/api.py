"""REST API of the rules of tokens and of problems, below /api/v1/organizations/<organization>/."""

from rest_framework.request import Request
from rest_framework.response import Response

from tokens.access import TokenAPIView

from .rules import change_rules, rules_of
from .serializers import ChangeRulesSerializer, RulesSerializer


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
