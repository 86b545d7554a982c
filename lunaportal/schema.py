"""How the OpenAPI schema is made from the conventions of our API views."""

import inspect
import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from organizations.lists import MemberListAPIView

Endpoint = tuple[str, str, str, Any]  # path, regular expression, method, view

DESCRIPTION = """\
Share quantum processors within an organization: QPU tokens, time quotas, usage.

**Signing in.** Send an API key in the header `Luna-API-Key`, or as `Authorization: Bearer <key>`. A key is made on the
portal's pages, acts for one member of one organization, and may do at most what that member may.

**Refusals** have an `internal_code` and a `message` in words; `errors` tells them by field. Strangers to an
organization are told that there is nothing (404), members without the right that they lack it (403). A missing,
unknown, revoked or expired key is 401, with a `detail` only.

**Lists** come in pages of `limit` rows, each with the links `next` and `previous`. However far down a page lies, it
costs the same; rows that come or go meanwhile shift nothing.

**Units.** Durations are whole nanoseconds of QPU access time, in fields that end in `_ns`. Times are ISO 8601 with a
time zone. **Secrets** of QPU tokens come in and never go out.
"""

# Name, which paths it is for, and what it means; in the order in which readers see them.
TAGS = [
    ("Organizations", r"/organizations(/{organization})?$", "The tenants: a lab, a course or a company."),
    ("Members", r"/members(/{member_id})?$|/membership$", "Who belongs to an organization, and in which role."),
    ("Invitations", r"/invitations", "Offers by mail to join an organization."),
    ("API keys", r"/api-keys", "What programs sign in with. The key itself is shown once, when it is made."),
    (
        "QPU tokens",
        r"{organization}/qpu-tokens(/\w+/{name}(/secret|/test)?)?$",
        "Secrets of QPU providers, personal or shared by a group.",
    ),
    ("Rules", r"/{name}/rules$", "What jobs on a D-Wave token may be: solvers, size, how many at once."),
    (
        "Quotas",
        r"{organization}/qpu-tokens/\w+/{name}/(quotas|users|can-run|time-left)",
        "How much QPU time of a group token may be spent, by everybody together or by one member.",
    ),
    ("Problems", r"/problems", "What was sent to D-Wave, and what became of it."),
    (
        "Usage",
        r"/(usage|refusals)$",
        "The ledger of jobs: what was reserved, what they really cost; and what was refused.",
    ),
    ("Audit", r"/audit$", "Who did what when."),
    (
        "Luna SDK",
        r"^/api/v1/(?!organizations)",
        "What luna-quantum asks for: here and below /luna-solve/api/v1 and /luna-q/api/v1.",
    ),
]
PATH_PARAMETERS: dict[str, tuple[dict[str, str], str]] = {
    "organization": ({"type": "string"}, "Slug of the organization: its name in addresses."),
    "member_id": ({"type": "integer"}, "The `id` of a member, from the list of members."),
    "invitation_id": ({"type": "integer"}, "The `id` of an invitation."),
    "problem_id": ({"type": "integer"}, "The `id` of a problem, from the list of problems; not D-Wave's."),
    "key_id": ({"type": "integer"}, "The `id` of an API key."),
    "name": ({"type": "string"}, "Name of a QPU token."),
    "model_id": ({"type": "integer"}, "The `id` of an uploaded model."),
    "job_id": ({"type": "integer"}, "The `id` of a solve job."),
    "email": ({"type": "string"}, "A member's email address; capitals do not matter."),
}
REFUSALS = {
    400: "The request could not be read.",
    401: "No API key, or one that is unknown, revoked or expired.",
    403: "The caller's role, key or plan does not allow this.",
    404: "There is no such thing, or it is not the caller's to see.",
    409: "This conflicts with how things stand.",
    413: "The body is too large.",
    422: "The request does not fit; `errors` says where.",
    429: "Too many requests; Retry-After says when to try again.",
    501: "The portal does not offer this.",
    503: "The portal or a provider cannot be reached at the moment. Try again.",
}
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


class PortalSchema(AutoSchema):
    """Knows our API views: what they take is in `input_serializers` and `query_serializer_class`.

    The docstring of a method, or else of its view, tells what it does: its first sentence in the list of endpoints.
    """

    view: Any  # an organizations.access.PortalAPIView
    method_mapping = {"get": "get", "post": "create", "put": "replace", "patch": "update", "delete": "delete"}

    def get_operation(self, *args: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args)
        if operation:
            for status in self.refusals(operation):
                operation["responses"].setdefault(str(status), refusal(status))
        return operation

    def refusals(self, operation: dict[str, Any]) -> list[int]:
        takes_body, changes = "requestBody" in operation, self.method != "GET"
        submits_job = self.path.endswith("/solve-jobs")
        takes_query = any(parameter["in"] == "query" for parameter in operation.get("parameters", []))
        possible = {
            400: takes_body,
            401: True,
            403: True,
            404: True,
            409: changes,
            413: takes_body,
            422: takes_body or takes_query,
            429: changes and bool(self.view.get_throttles()),
            501: submits_job,
            503: submits_job,
        }
        return [status for status, is_possible in possible.items() if is_possible]

    def docstring(self) -> tuple[str, str]:
        """The first sentence, and the rest."""
        handler = getattr(type(self.view), self.method.lower())
        text = inspect.cleandoc(handler.__doc__ or type(self.view).__doc__ or "")
        paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
        first, *rest = re.split(r"\.\s+", "\n\n".join(paragraphs), maxsplit=1)
        return first.rstrip("."), "".join(rest)

    def get_summary(self) -> str:
        return self.docstring()[0]

    def get_description(self) -> str:  # type: ignore[override]  # of DRF, which asks for more
        return self.docstring()[1]

    def get_tags(self) -> list[str]:
        return [name for name, paths, _ in TAGS if re.search(paths, self.path)]

    def map_parsers(self) -> list[str]:
        return ["application/json"]  # whatever the Content-Type of a request says

    def get_request_serializer(self) -> Any:
        return self.view.input_serializers.get(self.method)

    def get_response_serializers(self) -> Any:
        match self.method:
            case "DELETE":
                return {204: None}
            case "POST":
                return {201: super().get_response_serializers()}
        return super().get_response_serializers()

    def get_override_parameters(self) -> list[Any]:
        takes_query = self.method == "GET" and self.view.query_serializer_class
        return [self.view.query_serializer_class] if takes_query else []

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        return [
            {"in": "path", "name": name, "required": True, "schema": schema, "description": description}
            for name in variables
            for schema, description in [PATH_PARAMETERS[name]]
        ]

    def _is_list_view(self, serializer: Any = None) -> bool:
        is_list = isinstance(self.view, MemberListAPIView) and self.method == "GET"
        return is_list or super()._is_list_view(serializer)

    def _get_pagination_parameters(self) -> list[Any]:
        return []  # PageQuery has them


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "organizations.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Luna-API-Key"}


def refusal(status: int) -> dict[str, Any]:
    component = "Unauthenticated" if status == 401 else "Error"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{component}"}}}
    return {"description": REFUSALS[status], "content": content}


def leave_out_sdk_bases(endpoints: list[Endpoint]) -> list[Endpoint]:
    """What the SDKs find below addresses of their own stands below /api/v1/ too."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def describe_the_whole(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what operations share: the bodies of refusals, what tags mean, and how to begin."""
    result["info"]["description"] = DESCRIPTION
    result["components"]["schemas"] |= {"Error": ERROR, "Unauthenticated": UNAUTHENTICATED}
    result["tags"] = [{"name": name, "description": meaning} for name, _, meaning in TAGS]
    return result
