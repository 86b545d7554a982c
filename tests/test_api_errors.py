"""Refusals of the REST API: their form, whoever makes them, and that they repeat nothing of what was sent."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator

from organizations import services
from organizations.permissions import Role
from quotas.services import assign_quota
from tests.conftest import SECRET, join, send_problem, solved_job
from tokens.services import upload_token

ACME = "/api/v1/organizations/acme"
CANARY = "Xq7canary9Zz"


def refused(response, status):
    """The body of a refusal, once its form is checked."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert {"internal_code", "message"} <= body.keys() <= {"internal_code", "message", "errors"}
    assert body["message"]
    for field, messages in body.get("errors", {}).items():
        assert isinstance(field, str)
        assert messages
        assert all(isinstance(message, str) for message in messages)
    return body


class TestForm:
    def test_an_unknown_address(self, api, alice, client):
        for caller in (api(alice), client):
            assert refused(caller.get("/api/v1/nothing"), 404)["internal_code"] == "NOT_FOUND"

    def test_a_slash_too_many_is_not_redirected(self, api, alice):
        refused(api(alice).get(f"{ACME}/"), 404)
        refused(api(alice).post(f"{ACME}/api-keys/", {"name": "x"}, format="json"), 404)

    def test_a_method_that_is_not_known_here(self, api, alice):
        response = api(alice).put(f"{ACME}/members")
        assert refused(response, 405)["internal_code"] == "METHOD_NOT_ALLOWED"
        assert response["Allow"] == "GET, HEAD"

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b'{"name": "x"',
            b"name=x",
            b'{"name": NaN}',
            b'{"name": -Infinity}',
            b'{"name": "\xff"}',
            b"\x00",
            b'{"name": ' + b"9" * 5000 + b"}",
            b"[" * 100_000,
            b'{"a":' * 50_000,
        ],
    )
    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
    def test_a_body_that_is_no_json(self, api, alice, body, content_type):
        response = api(alice).post(f"{ACME}/api-keys", data=body, content_type=content_type)
        assert refused(response, 400)["internal_code"] == "MALFORMED_REQUEST"

    @pytest.mark.parametrize("body", [b"", b"[]", b'"name"', b"7", b"null", b"true", b"{}", b"[[[[]]]]"])
    def test_a_body_that_does_not_fit(self, api, alice, body):
        response = api(alice).post(f"{ACME}/api-keys", data=body, content_type="application/json")
        assert refused(response, 422)["internal_code"] == "VALIDATION_ERROR"

    def test_a_body_that_is_too_large(self, api, alice, settings):
        body = json.dumps({"name": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE})
        response = api(alice).post(f"{ACME}/api-keys", data=body, content_type="application/json")
        assert refused(response, 413)["internal_code"] == "PAYLOAD_TOO_LARGE"

    def test_several_errors_stand_in_the_message_and_by_field(self, api, alice):
        body = refused(api(alice).post(f"{ACME}/api-keys", {"name": "", "scopes": ["all"]}, format="json"), 422)
        assert body["errors"].keys() == {"name", "scopes.0"}
        assert body["message"].startswith("name: This field may not be blank.")
        assert "scopes.0: This is not one of the possible values." in body["message"]

    def test_somebody_whom_nobody_knows(self, client, alice):
        for caller in (client, Client(headers={"Luna-API-Key": "wrong"})):
            response = caller.get(ACME)
            assert response.status_code == 401
            assert response.json().keys() == {"detail"}
            assert response["WWW-Authenticate"] == 'Bearer realm="Luna Portal"'

    def test_another_host(self, api, alice):
        refused(api(alice).get(ACME, headers={"Host": "evil.example.com"}), 400)

    def test_what_nobody_expected(self, api, alice, monkeypatch):
        def fail(*args, **kwargs):
            raise RuntimeError(f"the database said {CANARY}")

        monkeypatch.setattr("organizations.services.change_organization", fail)
        client = api(alice)
        client.raise_request_exception = False
        response = client.patch(ACME, {"name": "Labs"}, format="json")
        assert refused(response, 500)["internal_code"] == "INTERNAL_ERROR"
        assert CANARY not in response.content.decode()
        assert response["X-Request-ID"]

    def test_a_row_that_went_while_it_was_changed(self, api, alice, monkeypatch):
        def vanish(*, key, **kwargs):
            alice.keys.all().delete()
            key.save(update_fields=["name"])

        monkeypatch.setattr("organizations.services.rename_key", vanish)
        url = f"{ACME}/api-keys/{alice.keys.first().pk}"
        assert refused(api(alice).patch(url, {"name": "desk"}, format="json"), 404)

    def test_other_failures_of_the_database_are_failures(self, api, alice, monkeypatch):
        def fail(*args, **kwargs):
            raise DatabaseError("disk full")

        monkeypatch.setattr("organizations.services.change_organization", fail)
        with pytest.raises(DatabaseError):
            api(alice).patch(ACME, {"name": "Labs"}, format="json")


class TestHostileAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            f"members/{10**30}",
            f"members/{2**63}",
            f"members/{'9' * 5000}",
            f"members/{2**63}/api-keys/{2**63}",
            f"invitations/{2**63}",
            f"api-keys/{2**63}",
            "members/١٢",
            "members/-1",
            "members/0x10",
            "qpu-tokens/group/%00",
            "qpu-tokens/group/%ff",
            "qpu-tokens/group/%ed%a0%80",
            "qpu-tokens/group/" + "x" * 5000,
            "qpu-tokens/group/..%2f..%2fmembers",
            "qpu-tokens/group/lab/quotas/users/%00@example.com",
            "qpu-tokens/group/lab/quotas/users/" + "x" * 5000 + "@example.com",
            "%00",
            "members%0a",
        ],
    )
    @pytest.mark.parametrize("method", ["get", "delete"])
    def test_they_lead_nowhere(self, api, alice, lab_token, path, method):
        response = getattr(api(alice), method)(f"{ACME}/{path}")
        refused(response, 405 if response.status_code == 405 else 404)

    @pytest.mark.parametrize("organization", ["ACME", "acme%00", "acme%20", "%2e", "äcme", "x" * 5000, "globex"])
    def test_nor_does_an_organization_that_is_none(self, api, alice, organization):
        refused(api(alice).get(f"/api/v1/organizations/{organization}"), 404)


def cursor(text: str) -> str:
    return quote(b64encode(text.encode("utf-8", "surrogatepass")))


class TestForgedCursors:
    LISTS = [
        "members?order=email",
        "members?order=-id",
        "invitations?",
        "api-keys?",
        "audit?",
        "usage?",
        "qpu-tokens?order=name",
        "qpu-tokens?order=id",
        "qpu-tokens/group/lab/users?",
        "qpu-tokens/group/lab/quotas?",
    ]
    CURSORS = [
        "x",
        "é",
        "%00",
        "%F0%9F%92%A9",
        "////",
        "=" * 50,
        "A" * 5000,
        cursor("p=abc"),
        cursor("p="),
        cursor("p=%00"),
        cursor("p=\x00"),
        cursor("p=%ed%a0%80"),
        cursor("p=\ud800"),
        cursor("p=" + "9" * 30),
        cursor("p=" + "9" * 6000),
        cursor("p=-1"),
        cursor("p=1.5"),
        cursor("p=NaN"),
        cursor("p=1e400"),
        cursor("p=2026-01-01"),
        cursor("o=5"),
        cursor("o=" + "9" * 30),
        cursor("o=-1"),
        cursor("o=x"),
        cursor("r=1"),
        cursor("r=1&p=1&o=3"),
        cursor("r=x&p=1"),
        cursor("p=1&p=2"),
        cursor("&&&==="),
    ]

    @pytest.mark.parametrize("path", LISTS)
    def test_they_never_fail(self, api, alice, lab_token, path):
        client = api(alice)
        for forged in self.CURSORS:
            response = client.get(f"{ACME}/{path}&cursor={forged}")
            if response.status_code != 200:
                refused(response, response.status_code)
                assert response.status_code in {404, 422}


# --- The canary: no answer repeats what was sent ----------------------------------------------------------------------


@pytest.fixture
def openapi():
    return SchemaGenerator().get_schema(public=True)


@pytest.fixture
def samples(alice, bob, lab_token):
    """What stands in the place of path parameters: things that are there."""
    upload_token(scope="personal", provider="dwave", name="lab", secret=SECRET, by=alice)
    (invitation,) = services.invite_all(
        emails=["dora@example.com"], role=Role.MEMBER, by=alice, now=lab_token.created_at
    )
    for member in (None, bob):
        assign_quota(token=lab_token, member=member, quota_ns=10**9, by=alice, now=lab_token.created_at)
    job = solved_job(alice)
    return {
        "organization": "acme",
        "member_id": bob.pk,
        "problem_id": send_problem(token=lab_token, by=alice, now=lab_token.created_at).pk,
        "model_id": job.model_id,
        "job_id": job.pk,
        "key_id": alice.keys.get().pk,
        "invitation_id": invitation.pk,
        "name": "lab",
        "email": "bob@example.com",
    }


def operations(openapi):
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def shapes(value):
    """The canary as text, as a list, as an object, and among other things."""
    return [value, [value], {value: value}, f"{value}\x00", f"{value}\ud800", value * 3000, 10**400]


def resolve(openapi, schema):
    return openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


class TestCanary:
    def test_in_bodies(self, openapi, samples, api, alice):
        client = api(alice)
        tried = 0
        for path, method, operation in operations(openapi):
            body = operation.get("requestBody", {"content": {}})["content"].get("application/json")
            if body is None:
                continue
            schema = resolve(openapi, body["schema"])
            for field in schema["properties"]:
                for value in shapes(CANARY):
                    url = path.format(**samples)
                    response = client.generic(
                        method.upper(), url, json.dumps({field: value}), content_type="application/json"
                    )
                    assert response.status_code < 500, (method, url, field)
                    if response.status_code >= 400:
                        assert CANARY not in response.content.decode(), (method, url, field)
                        tried += 1
        assert tried > 200

    def test_in_queries(self, openapi, samples, api, alice):
        client = api(alice)
        for path, method, operation in operations(openapi):
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "query":
                    continue
                for value in (CANARY, CANARY + "\x00", CANARY * 500, "9" * 5000):
                    response = client.generic(
                        method.upper(), path.format(**samples), QUERY_STRING=f"{parameter['name']}={quote(value)}"
                    )
                    assert response.status_code < 500, (path, parameter["name"])
                    if response.status_code >= 400:
                        assert CANARY not in response.content.decode(), (path, parameter["name"])

    def test_in_paths(self, openapi, samples, api, alice):
        client = api(alice)
        for path, method, _ in operations(openapi):
            for name in samples:
                if f"{{{name}}}" in path:
                    response = client.generic(method.upper(), path.format(**samples | {name: CANARY}))
                    assert response.status_code in {404, 405, 422}, (method, path)
                    assert CANARY not in response.content.decode(), (method, path)

    def test_in_headers(self, api, alice):
        for name in ("Luna-API-Key", "X-Auth-Token", "Authorization", "Accept", "Content-Type", "Host", "Cookie"):
            response = Client(headers={name: f"Bearer {CANARY}"}).get(ACME)
            assert response.status_code in {400, 401}
            assert CANARY not in response.content.decode() + str(response.headers)


# --- Caches -----------------------------------------------------------------------------------------------------------


class TestCaches:
    def test_no_cache_keeps_what_is_answered_to_somebody(self, api, browser, alice, lab_token):
        for client in (api(alice), browser(alice)):
            for path in ("", "/members", "/qpu-tokens", "/audit", "/nothing", "/members/0"):
                response = client.get(ACME + path)
                if response.status_code == 200 or path == "/members/0":
                    assert response["Cache-Control"] == "private, no-store"
        assert api(alice).get("/luna-solve/api/v1/users/me")["Cache-Control"] == "private, no-store"
        assert Client().get(ACME)["Cache-Control"] == "private, no-store"

    def test_no_shared_cache_keeps_pages(self, browser, bob):
        for url in ("/o/acme", reverse("issue-key", args=["acme"])):
            assert "private" in browser(bob).get(url)["Cache-Control"]


def test_the_framework_refuses_in_the_same_form(api, alice, monkeypatch):
    """What Django itself refuses, before any of our views."""

    def too_big(*args, **kwargs):
        raise RequestDataTooBig

    monkeypatch.setattr("organizations.api.OrganizationDetail.initial", too_big)
    refused(api(alice).get(ACME), 413)


def test_other_organizations_names_are_not_told(api, alice, charlie):
    join("Initech", "alice@example.com", Role.ADMIN)
    assert "Globex" not in api(alice).get("/api/v1/organizations/globex").content.decode()
