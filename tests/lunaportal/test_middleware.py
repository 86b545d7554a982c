import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.module_loading import import_string

from lunaportal.middleware import collapse_leading_slashes, refuse_insecure_api, trust_proxies


def passed_through(middleware, request):
    """The request as it comes out of `middleware`."""
    seen = []
    middleware(lambda request: seen.append(request) or HttpResponse())(request)
    return seen[0]


class TestCollapseLeadingSlashes:
    @pytest.mark.parametrize("path", ["/luna-solve/api", "//luna-solve/api", "////luna-solve/api"])
    def test_it_leaves_one(self, path):
        request = RequestFactory().get("/")
        request.path = request.path_info = path

        request = passed_through(collapse_leading_slashes, request)

        assert (request.path, request.path_info) == ("/luna-solve/api", "/luna-solve/api")

    def test_it_leaves_the_rest_of_the_path_alone(self):
        request = passed_through(collapse_leading_slashes, RequestFactory().get("/a//b/"))

        assert request.path_info == "/a//b/"

    def test_the_whole_portal_answers_so(self, client):
        assert client.get("/", PATH_INFO="//livez").status_code == 200


class TestTrustProxies:
    @pytest.mark.parametrize(
        ("proxies", "header", "address"),
        [
            (0, "6.6.6.6", "10.0.0.1"),
            (1, "", "10.0.0.1"),
            (1, "203.0.113.7", "203.0.113.7"),
            (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
            (2, "6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
            (2, "10.0.0.3", "10.0.0.3"),  # a health check by the inner proxy
            (1, "2001:db8::7", "2001:db8::7"),
            (1, "<script>", "10.0.0.1"),
            (1, "203.0.113.7, unknown", "10.0.0.1"),
        ],
    )
    def test_it_takes_the_address_that_our_proxies_vouch_for(self, settings, proxies, header, address):
        settings.TRUSTED_PROXY_COUNT = proxies
        request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=header)

        assert passed_through(trust_proxies, request).META["REMOTE_ADDR"] == address

    def test_without_proxies_nothing_can_be_claimed(self, settings):
        settings.TRUSTED_PROXY_COUNT = 0
        claims = {f"HTTP_X_FORWARDED_{name}": "https" for name in ("FOR", "PROTO", "HOST")}
        request = RequestFactory().get("/", HTTP_FORWARDED="proto=https", **claims)

        assert not [name for name in passed_through(trust_proxies, request).META if "FORWARDED" in name]

    @pytest.mark.parametrize(("header", "secure"), [("https", True), ("http", False), ("https, http", False)])
    def test_https_is_what_our_proxy_says(self, settings, header, secure):
        settings.TRUSTED_PROXY_COUNT = 1
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        request = RequestFactory().get("/", HTTP_X_FORWARDED_PROTO=header)

        assert passed_through(trust_proxies, request).is_secure() is secure

    def test_the_other_end_of_a_unix_socket_is_on_this_machine(self, settings):
        request = RequestFactory().get("/", REMOTE_ADDR="")

        assert passed_through(trust_proxies, request).META["REMOTE_ADDR"] == "127.0.0.1"

    @pytest.mark.django_db
    def test_people_can_sign_in_through_a_unix_socket(self, client):
        answer = client.post("/accounts/login/", {"login": "a@example.com", "password": "x"}, REMOTE_ADDR="")

        assert answer.status_code == 200


class TestRefuseInsecureApi:
    @pytest.fixture(autouse=True)
    def over_https(self, settings):
        settings.HTTPS = True
        settings.SECURE_SSL_REDIRECT = True
        settings.PORTAL_URL = "https://qpu.example.com"

    @pytest.mark.parametrize("path", ["/api/v1/tokens", "/luna-solve/api/v1/users/me", "/luna-q/x", "/dwave/x"])
    def test_it_refuses_plain_http_with_an_answer_that_the_sdk_shows(self, client, path):
        answer = client.get(path)

        assert answer.status_code == 403
        assert answer.json() == {
            "internal_code": "FORBIDDEN",
            "message": "Use https://qpu.example.com as base URL: this portal answers over https only.",
        }

    def test_double_slashes_do_not_get_around_it(self, client):
        assert client.get("/", PATH_INFO="//api/v1/tokens").status_code == 403

    def test_a_client_cannot_claim_to_be_secure(self, client):
        assert client.get("/api/v1/tokens", HTTP_X_FORWARDED_PROTO="https").status_code == 403

    def test_it_lets_https_through(self):
        request = RequestFactory().get("/api/v1/tokens", secure=True)

        assert passed_through(refuse_insecure_api, request) is request

    def test_pages_are_redirected_and_health_is_not(self):
        assert Client().get("/accounts/login/")["Location"] == "https://testserver/accounts/login/"
        assert Client().get("/livez").status_code == 200

    def test_a_portal_without_https_does_not_mind(self, settings):
        settings.HTTPS = False
        request = RequestFactory().get("/api/v1/tokens")

        assert passed_through(refuse_insecure_api, request) is request


class TestBodiesWithoutLength:
    @pytest.mark.parametrize("path", ["/luna-solve/api/v1/qpu-tokens/shared", "/api/v1/organizations"])
    def test_programs_are_asked_for_the_length(self, client, path):
        response = client.post(path, headers={"Transfer-Encoding": "chunked"})
        assert response.status_code == 411
        assert response.json()["internal_code"] == "LENGTH_REQUIRED"


@pytest.mark.django_db
class TestAnswerPrograms:
    def test_what_comes_with_a_key_is_answered_without_a_session(self, api, alice):
        answer = api(alice).get("/luna-solve/api/v1/users/me")

        assert answer.status_code == 200
        assert not hasattr(answer.wsgi_request, "session")

    def test_a_session_is_asked_where_there_is_no_key(self, browser, alice):
        answer = browser(alice).get("/api/v1/organizations/acme")

        assert answer.status_code == 200
        assert answer.wsgi_request.session.session_key

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/luna-solve/api/v1/users/me", 200),
            ("GET", "/api/v1/organizations/acme", 200),
            ("GET", "/api/v1/organizations/globex", 404),
            ("DELETE", "/api/v1/organizations/acme", 405),
            ("GET", "/api/v1/nothing", 404),
            ("GET", "/api/v1/docs", 200),
        ],
    )
    def test_its_answers_are_closed_to_other_pages_and_to_caches(self, api, alice, method, path, status):
        answer = api(alice).generic(method, path)

        assert answer.status_code == status
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Content-Length"]

    def test_it_speaks_the_program_s_language_and_forgets_it(self, api, alice):
        messages = [
            api(alice)
            .post("/api/v1/organizations/acme/invitations", {}, format="json", headers=headers)
            .json()["message"]
            for headers in ({"Accept-Language": "de"}, {})
        ]

        assert messages[0] != messages[1]
        assert "This field is required." in messages[1]

    @pytest.mark.urls("tests.lunaportal.urls")
    def test_a_view_that_asks_for_no_key_stays_closed(self):
        answer = Client(headers={"Luna-API-Key": "luna_anything"}).get("/api/closed")

        assert answer.status_code == 302
        assert "/accounts/login/" in answer["Location"]


def test_bare_roots_of_the_apis_answer_json(client):
    for path in ("/api", "/luna-solve", "/luna-q"):
        response = client.get(path)
        assert (response.status_code, response["Content-Type"]) == (404, "application/json")


class TestFrames:
    def test_the_outermost_middleware_takes_a_piece_of_memory_for_all_frames(self, settings):
        outermost = import_string(settings.MIDDLEWARE[0])(lambda request: HttpResponse("here"))

        assert outermost.__code__.co_stacksize * 8 > 256 * 1024  # so CPython takes the next power of two
        assert outermost(RequestFactory().get("/")).content == b"here"
