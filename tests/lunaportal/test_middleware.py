import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

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


def test_bare_roots_of_the_apis_answer_json(client):
    for path in ("/api", "/luna-solve", "/luna-q"):
        response = client.get(path)
        assert (response.status_code, response["Content-Type"]) == (404, "application/json")
