"""How the OpenAPI schema is made from the conventions of our API views."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from organizations.access import MemberAPIView
from organizations.lists import MemberListAPIView

Endpoint = tuple[str, str, str, Any]  # path, regular expression, method, view


class PortalSchema(AutoSchema):
    """Knows MemberAPIView: what it takes is in `input_serializers` and `query_serializer_class`."""

    def get_request_serializer(self) -> Any:
        if isinstance(self.view, MemberAPIView):
            return self.view.input_serializers.get(self.method)
        return super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        if self.method == "DELETE":
            return {204: None}
        if self.method == "POST":
            return {201: super().get_response_serializers()}
        return super().get_response_serializers()

    def get_override_parameters(self) -> list[Any]:
        if isinstance(self.view, MemberAPIView) and self.method == "GET":
            return [self.view.query_serializer_class]
        return []

    def _is_list_view(self, serializer: Any = None) -> bool:
        is_list = isinstance(self.view, MemberListAPIView) and self.method == "GET"
        return is_list or super()._is_list_view(serializer)

    def get_filter_parameters(self) -> list[Any]:
        return []

    def get_tags(self) -> list[str]:
        return [type(self.view).__module__.partition(".")[0]]


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "organizations.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Luna-API-Key"}


def leave_out_sdk_bases(endpoints: list[Endpoint]) -> list[Endpoint]:
    """What the SDKs find below addresses of their own stands below /api/v1/ too."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


ERROR = {
    "type": "object",
    "description": "Every refusal but 401.",
    "required": ["internal_code", "message"],
    "properties": {
        "internal_code": {"type": "string"},
        "message": {"type": "string", "description": "What is wrong and what to do, in words."},
        "errors": {
            "type": "object",
            "description": "The same by field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
UNAUTHENTICATED = {
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"type": "string"}},
}
REFUSALS = {
    "400": "The request could not be read.",
    "401": "No API key, or one that is unknown, revoked or expired.",
    "403": "The caller's role, key or plan does not allow this.",
    "404": "There is no such thing, or it is not the caller's to see.",
    "409": "This conflicts with how things stand.",
    "413": "The body is too large.",
    "422": "The request does not fit; `errors` says where.",
    "429": "Too many requests; Retry-After says when to try again.",
}


def document_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to each operation the refusals that any of them can answer."""
    result["components"]["schemas"] |= {"Error": ERROR, "Unauthenticated": UNAUTHENTICATED}
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, description in REFUSALS.items():
                schema = "Unauthenticated" if status == "401" else "Error"
                operation["responses"].setdefault(
                    status,
                    {
                        "description": description,
                        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
                    },
                )
    return result
