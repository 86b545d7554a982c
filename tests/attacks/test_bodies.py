"""Bodies that are meant to hurt: too long, too deep, too many parts, numbers that are none, and text that cannot be."""

import asyncio
import json

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.files import uploadhandler
from django.test import Client

from lunaportal.handlers import asgi_handler
from lunaportal.paths import most_bytes
from organizations.throttles import InvitationThrottle
from tests.conftest import solved_job

pytestmark = pytest.mark.django_db

ACME = "/api/v1/organizations/acme"


class TestLength:
    @pytest.mark.parametrize("path", ["/accounts/login/", "/o/acme/members/invite", "/nowhere"])
    def test_pages_read_nothing_of_what_is_too_long(self, client, path, monkeypatch):
        def fail(*args, **kwargs):
            raise AssertionError("A file is being read.")

        monkeypatch.setattr(uploadhandler.TemporaryFileUploadHandler, "new_file", fail)

        answer = client.post(path, b"--x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=3_000_000)

        assert answer.status_code == 400

    @pytest.mark.parametrize("path", [ACME, "/luna-solve/api/v1/models", "/luna-q/api/v1/circuits"])
    def test_programs_are_told_so(self, client, path):
        answer = client.post(path, b"{", content_type="application/json", CONTENT_LENGTH=most_bytes(path) + 1)

        assert (answer.status_code, answer.json()["internal_code"]) == (413, "PAYLOAD_TOO_LARGE")


def asked(headers, *pieces):
    """The status that Django answers under ASGI to somebody who has no CSRF token."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/accounts/login/",
        "headers": [(b"host", b"localhost"), *headers],
        "query_string": b"",
        "client": ("198.51.100.7", 1),
    }

    async def ask():
        server = ApplicationCommunicator(asgi_handler(), scope)
        for piece in pieces:
            await server.send_input({"type": "http.request", "body": piece, "more_body": True})
        await server.send_input({"type": "http.request", "body": b""})
        start = await server.receive_output(timeout=60)
        await server.send_input({"type": "http.disconnect"})
        await server.wait(timeout=60)
        return start["status"]

    return asyncio.run(ask())


@pytest.mark.django_db(transaction=True)
class TestUnderAsgi:
    """There Django writes whole bodies to disk before it looks at anything."""

    @pytest.fixture(autouse=True)
    def nothing_on_disk(self, monkeypatch):
        written = []
        monkeypatch.setattr("tempfile.SpooledTemporaryFile.write", lambda file, data: written.append(data))
        yield
        assert not any(written)

    def test_what_is_too_long_is_refused_unread(self):
        assert asked([(b"content-length", b"3000000")], b"x" * 1000) == 400

    def test_what_has_no_length_has_no_body_as_under_wsgi(self):
        assert asked([(b"transfer-encoding", b"chunked")], b"x" * 1000, b"x" * 1000) == 403


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": ' + b"[" * 500_000,
        b'{"name":' * 60_000,
        b'{"name": "a", ' + b'"name": "a", ' * 50_000 + b'"name": "a"}',
        b'{"name": 1e400}',
        b'{"name": -1e400}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": ' + b"1" * 500_000 + b"}",
        b'{"name": 0.' + b"1" * 500_000 + b"}",
        b'{"name": "\\ud800"}',
        b'{"name": "\\u0000"}',
        b'{"name": "' + b"\xef\xb7\xba" * 100_000 + b'"}',  # each becomes 18 letters in one of Unicode's forms
        b'{"name": "' + "a\u0300\u0316".encode() * 100_000 + b'"}',
        b"\xff\xfe" + b'{"name": "a"}',
        b"\xef\xbb\xbf" + b'{"name": 5}',
    ],
    ids=lambda body: repr(body[:14]),
)
@pytest.mark.parametrize("method", ["post", "patch", "put"])
@pytest.mark.parametrize("path", ["", "/api-keys", "/qpu-tokens", "/qpu-tokens/group/lab", "/invitations"])
def test_no_json_hurts(api, alice, lab_token, path, method, body):
    answer = getattr(api(alice), method)(ACME + path, body, content_type="application/json")

    assert answer.status_code in {200, 201, 400, 405, 422}


NUMBERS = ["1e400", "-1e400", "NaN", "9" * 30, "-1", "0.1"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["quota", "start", "end"])
def test_no_number_becomes_a_quota_by_accident(api, alice, lab_token, field, number):
    path = "/luna-solve/api/v1/qpu-tokens/shared/quota/group/lab"
    body = '{"quota": 5, "' + field + '": ' + number + "}"

    answer = api(alice).post(path, body, content_type="application/json")

    assert answer.status_code in {400, 422}, answer.content
    assert not lab_token.quotas.exists()


@pytest.mark.parametrize("number", [*NUMBERS, '"\\ud800"', '"\\u0000"', "[" * 900 + "]" * 900])
@pytest.mark.parametrize("field", ["num_reads", "num_sweeps", "seed", "beta_range", "unheard_of"])
def test_no_parameter_of_a_job_hurts(api, alice, field, number):
    job = {"model_id": str(solved_job(alice).model_id), "solver_name": "SA", "provider": "dwave", "qpu_tokens": None}
    body = json.dumps(job | {"parameters": {field: "HERE"}}).replace('"HERE"', number)

    answer = api(alice).post("/luna-solve/api/v1/solve-jobs", body, content_type="application/json")

    assert answer.status_code in {201, 400, 422}, answer.content


LISTS = {
    "/api-keys": {"name": "a", "scopes": ...},
    "/invitations": {"emails": ...},
    "": {"email_domains": ...},
    "/qpu-tokens/group/lab/rules": {"solvers": ...},
    "/qpu-tokens/group/lab/quotas/assign": {"quota_ns": 1, "users": ...},
}


@pytest.mark.parametrize("path", LISTS)
class TestLists:
    """To find words for hundreds of thousands of wrong items would keep a process busy for a minute."""

    def refused(self, member, api, path, items):
        body = {name: items if value is ... else value for name, value in LISTS[path].items()}
        method = "patch" if path == "" or path.endswith("rules") else "post"
        answer = getattr(api(member), method)(ACME + path, body, format="json")
        assert answer.status_code == 422
        return list(answer.json()["errors"])

    def test_of_wrong_items_only_the_first_is_told(self, api, alice, lab_token, path):
        (told,) = self.refused(alice, api, path, [[], [[]]])

        assert ".0" in told

    def test_of_lists_that_are_too_long_no_item_is_looked_at(self, api, alice, lab_token, path, monkeypatch):
        monkeypatch.setattr(InvitationThrottle, "allow_request", lambda *args: True)

        (told,) = self.refused(alice, api, path, [[]] * 10_001)

        assert ".0" not in told


def test_of_the_parameters_of_a_job_only_the_first_wrong_item_is_told(api, alice):
    chains = {"initial_chains": {"a": [0, "x", "x"], "b": ["x"]}}
    job = {"model_id": str(solved_job(alice).model_id), "solver_name": "QA", "provider": "dwave"}

    answer = api(alice).post(
        "/luna-solve/api/v1/solve-jobs", job | {"parameters": {"embedding_parameters": chains}}, format="json"
    )

    assert list(answer.json()["errors"]) == ["parameters.embedding_parameters.initial_chains.a.1"]


@pytest.mark.parametrize(
    "people", ["(" * 9000 + "@", "a:" * 4000 + "@", "<@" * 9000, "@" + "x" * 150_000, '"@' + "x" * 150_000]
)
@pytest.mark.parametrize("path", ["members/invite", "tokens/group/lab/quotas/assign"])
def test_no_list_of_people_hurts(browser, alice, lab_token, path, people):
    page = browser(alice).post(f"/o/acme/{path}", {"people": people, "role": "member", "whom": "list", "quota": "1 s"})

    assert page.status_code == 200


class TestForms:
    def test_thousands_of_fields_are_refused(self, client):
        body = "&".join(f"f{number}=1" for number in range(5000))

        answer = client.post("/accounts/login/", body, content_type="application/x-www-form-urlencoded")

        assert answer.status_code == 400

    def test_thousands_of_files_are_refused(self, client):
        part = '--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n\r\n'
        answer = client.post("/accounts/login/", part * 500 + "--x--", content_type="multipart/form-data; boundary=x")

        assert answer.status_code == 400

    @pytest.mark.parametrize("value", ["\x00", "\ud800", "x" * 200_000, "\u202e", "9" * 5000, "'\"><script>"])
    @pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"])
    def test_no_text_hurts(self, path, value):
        fields = ("login", "email", "password", "password1", "password2", "first_name", "last_name", "next")
        data = "&".join(f"{name}={value}" for name in fields).encode("utf-8", "surrogatepass")

        answer = Client().post(path, data, content_type="application/x-www-form-urlencoded")

        assert answer.status_code < 500
        assert "<script>" not in answer.content.decode()
