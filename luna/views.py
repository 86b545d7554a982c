"""Endpoints of the Luna SDK. The API key alone says which organization is meant."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.access import CallerRequest, MemberAPIView
from organizations.permissions import Permission
from quotas.access import QuotaAPIView, quota_of
from tokens import services
from tokens.access import TokenAPIView
from tokens.models import SDK_SCOPES
from tokens.serializers import RenameSerializer

from .lists import group_quota, listed, page_of_tokens
from .sdk import knows_quotas_in_lists
from .serializers import (
    ListQuerySerializer,
    QuotaInSerializer,
    QuotaOutSerializer,
    QuotaPatchSerializer,
    TokenInSerializer,
    TokenListSerializer,
    TokenOutSerializer,
    UserSerializer,
)


class Me(MemberAPIView):
    """Tell whose key this is. The SDK asks at every start."""

    serializer_class = UserSerializer
    permissions = {"GET": Permission.VIEW_ORGANIZATION}

    def get(self, request: Request) -> Response:
        user, organization = self.membership.user, self.membership.organization
        names = {"email": user.email, "first_name": user.first_name, "last_name": user.last_name}
        return Response({**names, "groups": [], "orgs": [organization.name]})


# --- Tokens -----------------------------------------------------------------------------------------------------------


class TokenList(MemberAPIView):
    """List my personal tokens and the group's. `limit` and `offset` count in each list for itself."""

    serializer_class = TokenListSerializer
    query_serializer_class = ListQuerySerializer
    permissions = {"GET": Permission.VIEW_TOKENS}

    def get(self, request: Request) -> Response:
        asked_for = self.query.get("token_type")
        rows = page_of_tokens(
            self.membership,
            scopes=[SDK_SCOPES[asked_for]] if asked_for else SDK_SCOPES.values(),
            provider=self.query.get("filter_provider", ""),
            limit=self.query["limit"],
            offset=self.query["offset"],
            everybodys=self.membership.can(Permission.VIEW_QUOTAS),
        )
        return Response(listed(rows, with_quotas=knows_quotas_in_lists(request)))


class CreateToken(TokenAPIView):
    serializer_class = TokenOutSerializer
    input_serializers = {"POST": TokenInSerializer}

    def post(self, request: Request) -> Response:
        """Upload a token."""
        token = services.upload_token(scope=self.scope, **self.input, by=self.membership)
        return Response(TokenOutSerializer(token).data, status=201)


class TokenDetail(TokenAPIView):
    serializer_class = TokenOutSerializer
    input_serializers = {"PATCH": RenameSerializer}

    def get(self, request: Request, name: str) -> Response:
        """Show a token, without its secret."""
        return Response(TokenOutSerializer(self.token).data)

    def patch(self, request: Request, name: str) -> Response:
        """Rename a token."""
        token = services.rename_token(token=self.token, **self.input, by=self.membership)
        return Response(TokenOutSerializer(token).data)

    def delete(self, request: Request, name: str) -> Response:
        """Delete a token with its secret and its quotas."""
        services.delete_token(token=self.token, by=self.membership)
        return Response(status=204)


# --- Quotas -----------------------------------------------------------------------------------------------------------


class GroupQuota(QuotaAPIView):
    """How much everybody together may spend on a group token."""

    serializer_class = QuotaOutSerializer
    input_serializers = {"POST": QuotaInSerializer, "PATCH": QuotaPatchSerializer}

    @extend_schema(responses=QuotaOutSerializer(allow_null=True))
    def get(self, request: Request, **kwargs: str) -> Response:
        """Show a quota, or null where none is set. Members see their own."""
        return Response(group_quota(self.membership.organization_id, kwargs["name"]))


class UserQuota(GroupQuota):
    """How much one member may spend on a group token; a member may read their own."""

    @extend_schema(responses=QuotaOutSerializer(allow_null=True))
    def get(self, request: Request, **kwargs: str) -> Response:
        """Show a quota, or null where none is set. Members see their own."""
        policy = quota_of(self.token, self.member)
        return Response(self.get_serializer(policy).data if policy else None)

    def permission_for(self, request: CallerRequest) -> Permission | None:
        if request.method in {"GET", "HEAD"} and self.kwargs["email"] == request.user.email:
            return Permission.VIEW_OWN_QUOTAS
        return super().permission_for(request)
