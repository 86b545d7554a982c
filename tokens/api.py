"""REST API of QPU tokens: /api/v1/organizations/<organization>/qpu-tokens/…"""

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle

from organizations.access import require
from organizations.lists import MemberListAPIView, PageQuery
from organizations.permissions import Permission

from . import services
from .access import TokenAPIView
from .models import PERMISSION_TO_MANAGE, Provider, QpuToken, TokenScope
from .serializers import (
    ChangeSerializer,
    SecretSerializer,
    TestedTokenSerializer,
    TokenSerializer,
    UploadedTokenSerializer,
    UploadSerializer,
)
from .throttles import probe


def tested(token: QpuToken, request: Request) -> QpuToken:
    """The token, which is stored already, with what its provider says of it."""
    token.test = probe(token, request)  # type: ignore[attr-defined]
    return token


class TokenQuery(PageQuery):
    scope = serializers.ChoiceField(choices=TokenScope.choices, required=False)
    provider = serializers.ChoiceField(choices=Provider.choices, required=False)
    search = serializers.CharField(required=False, help_text="Part of the name.")
    order = serializers.ChoiceField(choices=["id", "-id", "name", "-name"], default="id")


class Tokens(MemberListAPIView):
    """List the tokens that I can use: my own and the group's. Secrets are never shown."""

    serializer_class = TokenSerializer
    query_serializer_class = TokenQuery
    input_serializers = {"POST": UploadSerializer}
    # A group token takes another right than a personal one, which `post` asks for.
    permissions = {"GET": Permission.VIEW_TOKENS, "POST": Permission.MANAGE_OWN_TOKENS}

    def get_queryset(self) -> QuerySet[QpuToken]:
        tokens = QpuToken.objects.visible_to(self.membership)
        if scope := self.query.get("scope"):
            tokens = tokens.of(self.membership, scope)
        if provider := self.query.get("provider"):
            tokens = tokens.filter(provider=provider)
        if part := self.query.get("search"):
            tokens = tokens.filter(name__icontains=part)
        return tokens

    @extend_schema(responses={201: UploadedTokenSerializer})
    def post(self, request: Request, **kwargs: str) -> Response:
        """Upload a token: a personal one for myself or, for admins, one for the group.

        It is tested at once, and stored whatever comes of that.
        """
        require(self.membership, PERMISSION_TO_MANAGE[self.input["scope"]])
        token = services.upload_token(**self.input, by=self.membership)
        token.same_secret_as = services.same_secret_as(token, seen_by=self.membership)  # type: ignore[attr-defined]
        return Response(UploadedTokenSerializer(tested(token, request)).data, status=201)


class TokenDetail(TokenAPIView):
    serializer_class = TokenSerializer
    input_serializers = {"PATCH": ChangeSerializer}

    def get(self, request: Request, **kwargs: str) -> Response:
        """Show a token, without its secret."""
        return Response(self.get_serializer(self.token).data)

    def patch(self, request: Request, **kwargs: str) -> Response:
        """Change a token's name or its endpoint. Its quotas and its history stay with it. What is left out stays."""
        token = services.change_token(token=self.token, **self.input, by=self.membership)
        return Response(self.get_serializer(token).data)

    def delete(self, request: Request, **kwargs: str) -> Response:
        """Delete a token with its secret and its quotas. What was used through it stays on record."""
        services.delete_token(token=self.token, by=self.membership)
        return Response(status=204)


class TokenSecret(TokenAPIView):
    serializer_class = TestedTokenSerializer
    input_serializers = {"PUT": SecretSerializer}

    def put(self, request: Request, **kwargs: str) -> Response:
        """Replace the secret of a token. Its name, quotas and history stay.

        New jobs go with the new secret, those under way end with the old one. The new one is tested at once, and stored
        whatever comes of that.
        """
        token = services.replace_secret(token=self.token, **self.input, by=self.membership, now=timezone.now())
        return Response(self.get_serializer(tested(token, request)).data)


class TokenTest(TokenAPIView):
    serializer_class = TestedTokenSerializer
    throttle_classes = [ScopedRateThrottle]
    throttle_scope = "token_tests"

    @extend_schema(responses={200: TestedTokenSerializer})
    def post(self, request: Request, **kwargs: str) -> Response:
        """Test a token: ask its provider whether it accepts the secret.

        Only D-Wave can be asked. Where no answer comes, what was known of the token stays.
        """
        self.token.test = services.probe_token(token=self.token, now=timezone.now())  # type: ignore[attr-defined]
        return Response(self.get_serializer(self.token).data)
