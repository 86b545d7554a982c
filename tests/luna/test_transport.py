"""Whatever is asked below the SDK's addresses: never a redirect, and always an answer that the SDK can read.

The client itself (conftest.py) checks that on every answer.
"""

import json
import zlib

import pytest
from rest_framework.exceptions import Throttled

from luna import views
from tests.luna.conftest import SdkClient

BASES = ["/luna-solve/api/v1", "/luna-q/api/v1", "/api/v1"]
ENDPOINTS = {
    "/users/me": {"GET"},
    "/qpu-tokens": {"GET"},
    "/qpu-tokens/shared": {"POST"},
    "/qpu-tokens/private": {"POST"},
    "/qpu-tokens/shared/lab": {"GET", "PATCH", "DELETE"},
    "/qpu-tokens/private/lab": {"GET", "PATCH", "DELETE"},
    "/qpu-tokens/shared/quota/group/lab": {"GET", "POST", "PATCH", "DELETE"},
    "/qpu-tokens/shared/quota/user/lab/bob@example.com": {"GET", "POST", "PATCH", "DELETE"},
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
TOKEN = {"name": "t", "provider": "dwave", "token": "a-secret"}


@pytest.mark.parametrize("base", BASES)
class TestAddresses:
    def test_each_is_there_below_each_base(self, luna, alice, bob, lab_token, base):
        client = luna(alice, base)
        for path, methods in ENDPOINTS.items():
            answer = client.generic("OPTIONS", path)
            assert answer.status_code == 405
            assert set(answer["Allow"].split(", ")) - {"HEAD"} == methods

    @pytest.mark.parametrize("method", METHODS)
    def test_every_other_method_is_refused(self, luna, alice, bob, base, method):
        client = luna(alice, base)
        for path, methods in ENDPOINTS.items():
            if method not in methods | {"HEAD"}:
                assert client.generic(method, path).status_code == 405

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("ending", ["/", "//", "/x/y/z", "/."])
    def test_none_has_a_longer_version(self, luna, alice, base, method, ending):
        client = luna(alice, base)
        for path in ENDPOINTS:
            if path + ending not in {"/qpu-tokens/shared/.", "/qpu-tokens/private/."}:
                assert client.generic(method, path + ending).status_code == 404

    @pytest.mark.parametrize("slashes", ["/", "//", "///"])
    def test_a_base_url_that_ends_in_a_slash_works(self, luna, alice, base, slashes):
        assert luna(alice, "").get("/", PATH_INFO=f"{slashes}{base}/users/me").status_code == 200

    @pytest.mark.parametrize("key", ["", "luna_wrong"])
    def test_none_is_open_to_strangers(self, db, base, key):
        client = SdkClient(base, headers={"Luna-API-Key": key} if key else {})
        for path, methods in ENDPOINTS.items():
            for method in methods:
                assert client.generic(method, path).status_code == 401

    def test_over_plain_http_it_says_so_instead_of_redirecting(self, luna, alice, settings, base):
        client = luna(alice, base)
        settings.HTTPS = settings.SECURE_SSL_REDIRECT = True
        settings.PORTAL_URL = "https://qpu.example.com"
        for path in [*ENDPOINTS, "/users/me/", "/nothing"]:
            answer = client.get(path)
            assert answer.status_code == 403
            assert "https://qpu.example.com" in answer.json()["message"]


class TestUnknownAddresses:
    @pytest.mark.parametrize("path", ["/luna-solve/", "/luna-solve/api/v2/users/me", "/luna-q/api/v1/", "/api/v1/x"])
    def test_they_are_404(self, luna, alice, path):
        assert luna(alice, "").get(path).status_code == 404

    @pytest.mark.parametrize("path", ["/solvers/available", "/providers/available"])
    def test_luna_q_does_not_solve(self, luna, alice, path):
        assert luna(alice, "/luna-solve/api/v1").get(path).status_code == 200
        assert luna(alice, "/luna-q/api/v1").get(path).status_code == 404

    def test_a_token_without_a_scope_cannot_be_created(self, luna, alice):
        assert luna(alice).post("/qpu-tokens", TOKEN).status_code == 405  # what create(token_type=None) sends

    def test_a_path_that_is_no_utf8_is_404(self, luna, alice):
        assert luna(alice).get("/qpu-tokens/shared/%ff%fe").status_code == 404

    def test_an_unknown_host_is_400(self, luna, alice):
        assert luna(alice).get("/users/me", headers={"Host": "elsewhere.example"}).status_code == 400

    def test_too_many_parameters_are_400(self, luna, alice):
        assert luna(alice).get("/qpu-tokens?" + "&".join(f"a{i}=" for i in range(2_100))).status_code == 400


class TestFrameworkErrors:
    def test_a_crash_is_a_500_that_tells_nothing(self, luna, alice, monkeypatch):
        def crash(**kwargs):
            raise RuntimeError(f"could not keep {kwargs['name']}")

        monkeypatch.setattr(views.services, "upload_token", crash)
        answer = luna(alice).post("/qpu-tokens/private", TOKEN | {"name": "hidden"})
        assert answer.status_code == 500
        assert answer.json()["internal_code"] == "INTERNAL_ERROR"
        assert b"hidden" not in answer.content

    def test_a_throttled_client_is_told_when_to_come_back(self, luna, alice, monkeypatch):
        def throttle(*args):
            raise Throttled(wait=7)

        monkeypatch.setattr(views.Me, "check_throttles", throttle)
        answer = luna(alice).get("/users/me")
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) >= 7  # the SDK waits so long

    def test_a_body_that_is_too_large_is_413(self, luna, alice, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        assert luna(alice).post("/qpu-tokens/private", TOKEN | {"x": "y" * 1000}).status_code == 413


class TestBodies:
    """POST /qpu-tokens/private, but any endpoint reads bodies in the same way."""

    @pytest.fixture
    def post(self, luna, alice):
        client = luna(alice)
        return lambda body, **kwargs: client.post("/qpu-tokens/private", body, **kwargs)

    @pytest.mark.parametrize(
        "content_type",
        [
            "",  # SDKs up to 1.2.2
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/octet-stream",
            "text/xml; charset=no-such-charset",
            ";;;///",
        ],
    )
    def test_json_is_read_whatever_it_is_called(self, post, content_type):
        assert post(TOKEN, content_type=content_type).status_code == 201

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"\xff\xfe",
            b"\xef\xbb\xbf{}",  # a byte order mark
            b"name=t&provider=dwave&token=x",
            b"NaN",
            b'{"name": NaN}',
            b'{"name": -Infinity}',
            b'{"name": ' + b"1" * 5000 + b"}",  # more digits than Python reads
            zlib.compress(json.dumps(TOKEN).encode()),
            json.dumps(TOKEN).encode("utf-16"),
        ],
    )
    def test_what_is_no_json_is_400(self, post, body):
        assert post(body, headers={"Content-Encoding": "deflate"}).status_code == 400

    @pytest.mark.parametrize("body", ["", "null", "5", "true", '"text"', "[]", '["name"]', "{}"])
    def test_json_of_another_shape_is_422(self, post, body):
        assert post(body).status_code == 422

    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    @pytest.mark.parametrize("field", ["name", "provider", "token"])
    def test_deep_nesting_is_refused_at_any_depth(self, post, field, opening):
        closing = "]" if opening == "[" else "1}"
        for depth in [*range(850, 1_000, 5), 100_000]:
            nested = opening * depth + closing[:-1] + closing[-1] * depth
            body = json.dumps(TOKEN | {field: "NESTED"}).replace('"NESTED"', nested)
            assert post(body).status_code in {400, 422}

    @pytest.mark.parametrize("field", ["name", "provider", "token"])
    @pytest.mark.parametrize(
        "value", [None, True, False, [], {}, ["x"], {"x": "y"}, "", " ", "\0", "a\0b", "\ud800", "\n", "\u202e"]
    )
    def test_nonsense_in_a_field_is_422(self, post, field, value):
        assert post(TOKEN | {field: value}).status_code == 422

    def test_unknown_fields_do_not_matter(self, post):
        assert post(TOKEN | {"surprise": {"a": ["\ud800", None]}}).status_code == 201

    def test_no_message_repeats_what_was_sent(self, post, luna, alice):
        sent = "swordfish"
        for body in [
            {"name": f"{sent}/", "provider": "dwave", "token": "x"},
            {"name": "t", "provider": sent, "token": "x"},
            {"name": "t", "provider": "dwave", "token": f"{sent}\n{sent}"},
            {sent: sent},
            f'{{"name": "{sent}"',
        ]:
            answer = post(body)
            assert answer.status_code in {400, 422}
            assert sent not in answer.content.decode()
        for path in [f"/qpu-tokens/private/{sent}", f"/{sent}", f"/qpu-tokens?limit={sent}&token_type={sent}"]:
            assert sent not in luna(alice).get(path).content.decode()
