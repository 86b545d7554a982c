"""The OpenAPI schema: clean, readable, and true."""

import re

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lunaportal.schema import PATH_PARAMETERS
from organizations.permissions import Role
from organizations.services import invite_all, issue_key
from quotas.services import assign_quota
from tests.conftest import SECRET, send_problem, solved_job
from tokens.services import upload_token

OPENAPI = SchemaGenerator().get_schema(public=True)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
}


def test_it_is_valid_and_nothing_in_it_is_guessed(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert "Warning" not in capsys.readouterr().err


class TestForReaders:
    def test_each_operation_says_what_it_does(self):
        for path, methods in OPENAPI["paths"].items():
            summaries = {operation.get("summary") for operation in methods.values()}
            assert None not in summaries, path
            assert len(summaries) == len(methods), f"{path}: give each method a docstring of its own"

    def test_each_operation_has_a_name_of_its_own(self):
        names = [operation["operationId"] for operation in OPERATIONS.values()]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch("[a-z][a-z_]+", name) for name in names)

    def test_every_parameter_is_explained(self):
        for label, operation in OPERATIONS.items():
            for parameter in operation.get("parameters", []):
                assert "description" in parameter or "enum" in parameter["schema"], (label, parameter["name"])

    def test_each_operation_has_one_tag_and_no_tag_is_empty(self):
        assert {len(operation["tags"]) for operation in OPERATIONS.values()} == {1}
        used = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
        assert used == {tag["name"] for tag in OPENAPI["tags"]}

    def test_every_explained_path_parameter_is_used(self):
        assert PATH_PARAMETERS.keys() == {name for label in OPERATIONS for name in re.findall(r"{(\w+)}", label)}

    def test_no_secret_is_ever_answered(self):
        for name, schema in OPENAPI["components"]["schemas"].items():
            if not name.endswith("Request"):
                assert not {"token", "secret", "digest"} & schema.get("properties", {}).keys(), name


@pytest.mark.django_db
class TestItsPages:
    def test_anybody_may_read_it(self, client):
        response = client.get("/api/v1/schema")
        assert response.json()["openapi"].startswith("3.")

    def test_swagger_ui_has_nothing_inline_and_nothing_from_elsewhere(self, client):
        page = client.get("/api/v1/docs").content.decode()
        assert "<style" not in page
        assert "style=" not in page
        assert re.findall(r"<script(?! src=\"/)", page) == []
        assert re.findall(r"(?:src|href)=\"(?!/)", page) == []
        script = client.get("/api/v1/docs?script=")
        assert script["Content-Type"].startswith("application/javascript")
        assert "SwaggerUIBundle" in script.content.decode()


# --- Is it true? ------------------------------------------------------------------------------------------------------

schema = schemathesis.openapi.from_dict(OPENAPI)
schema.app = WSGIHandler()


@pytest.fixture(params=["admin", "member"])
def world(request, alice, bob, lab_token):
    """A key of an admin's or a member's, and what addresses name: things that are there."""
    member, now = {"admin": alice, "member": bob}[request.param], lab_token.created_at
    upload_token(scope="personal", provider="dwave", name="lab", secret=SECRET, by=member)
    (invitation,) = invite_all(emails=["dora@example.com"], role=Role.MEMBER, by=alice, now=now)
    for limited in (None, bob):
        assign_quota(token=lab_token, member=limited, quota_ns=10**9, by=alice, now=now)
    job = solved_job(member)
    problem = send_problem(token=lab_token, by=member, now=now)
    key, raw_key = issue_key(name="test", by=member, now=now)
    return {
        "raw_key": raw_key,
        "organization": "acme",
        "name": "lab",
        "email": "bob@example.com",
        "member_id": bob.pk,
        "model_id": job.model_id,
        "job_id": job.pk,
        "problem_id": problem.pk,
        "key_id": key.pk,
        "invitation_id": invitation.pk,
    }


@pytest.fixture
def connection_stays():
    """Requests to the WSGI handler end without closing the database connection, in whose transaction the test is."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.django_db
@schema.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_it_tells_all_that_can_be_answered(case, world, connection_stays):
    case.path_parameters = {name: world[name] for name in case.path_parameters or {}}
    with transaction.atomic():
        response = case.call(headers={"Luna-API-Key": world["raw_key"]})
        transaction.set_rollback(True)
    not_offered = response.status_code == 501  # an answer, not an error of the server's
    case.validate_response(response, checks=CHECKS[1:] if not_offered else CHECKS)
