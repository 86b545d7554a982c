"""Forms that somebody else's page sends, and addresses that lead elsewhere."""

import re
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from tests.attacks.conftest import PASSWORD
from tests.test_every_view_is_guarded import ACCOUNT, ENDPOINTS, PAGES, PUBLIC, VIEWS, url_of
from tests.test_every_view_is_guarded import world as world

pytestmark = pytest.mark.django_db

UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]
# An identity provider posts to these from its own pages. What it posts is signed.
EXEMPT = {f"accounts/saml/<organization_slug>/{name}/" for name in ("acs", "sls")}


def visitor(member):
    client = Client(enforce_csrf_checks=True)
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


class TestCsrf:
    def test_nothing_is_exempt_but_what_must_be(self):
        exempt = {route for route, view in VIEWS.items() if getattr(view, "csrf_exempt", False)}

        assert {route for route in exempt if not route.startswith(("api/", "luna-"))} == EXEMPT

    @pytest.mark.parametrize("route", sorted({*PAGES, *ACCOUNT, *PUBLIC} - EXEMPT))
    def test_no_page_takes_a_form_of_somebody_elses(self, route, world, alice):
        answer = visitor(alice).post(url_of(route, world), {"role": "admin"})

        assert answer.status_code == (405 if route.startswith("api/") else 403)

    @pytest.mark.parametrize("route", [route for route in VIEWS if route.startswith("admin/")])
    def test_nor_does_the_operators_admin(self, route, world, django_user_model):
        operator = django_user_model.objects.create_superuser("grace@example.com", PASSWORD)
        client = Client(enforce_csrf_checks=True)
        client.force_login(operator, backend="allauth.account.auth_backends.AuthenticationBackend")

        assert client.post(url_of(route, world)).status_code == 403

    @pytest.mark.parametrize("route", ENDPOINTS)
    def test_nor_does_any_endpoint_from_a_browser(self, route, world, alice):
        client = visitor(alice)
        for method in UNSAFE:
            answer = client.generic(method, url_of(route, world), b"{}", content_type="application/json")
            assert answer.status_code == 403, method

    def test_a_token_of_another_visitor_is_none(self, alice, bob):
        token = visitor(bob).get("/accounts/profile/").cookies["csrftoken"].value
        client = visitor(alice)
        client.get("/accounts/profile/")

        answer = client.post("/accounts/profile/", {"first_name": "Mallory", "csrfmiddlewaretoken": token})

        assert answer.status_code == 403

    def test_a_page_of_another_origin_gets_nothing_done_even_with_the_token(self, alice):
        client = visitor(alice)
        token = client.get("/accounts/profile/").cookies["csrftoken"].value

        answer = client.post(
            "/accounts/profile/",
            {"first_name": "Mallory", "csrfmiddlewaretoken": token},
            headers={"Origin": "https://evil.example"},
        )

        assert answer.status_code == 403


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:///evil.example/",
    "https:evil.example",
    "\thttps://evil.example/",
    "/\t/evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
]


def leads_away(location):
    """Whether a browser, which drops tabs and takes backslashes for slashes, would leave the portal."""
    address = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    target = urlsplit(urljoin("http://testserver/accounts/", address))
    return target.scheme not in {"http", "https"} or target.netloc != "testserver"


class TestRedirects:
    @pytest.mark.parametrize("address", ELSEWHERE)
    def test_these_would_lead_away(self, address):
        assert leads_away(address)

    @pytest.mark.parametrize("address", ELSEWHERE)
    def test_signing_in_does_not(self, alice, with_password, address):
        with_password(alice.user)

        answer = Client().post(
            "/accounts/login/", {"login": "alice@example.com", "password": PASSWORD, "next": address}
        )

        assert answer.status_code == 302
        assert not leads_away(answer["Location"])

    @pytest.mark.parametrize("route", sorted({*PAGES, *ACCOUNT, *PUBLIC}))
    def test_no_page_does_whatever_the_address_or_the_form_says(self, route, world, alice, browser):
        url = url_of(route, world)
        for client in (Client(), browser(alice)):
            for address in ELSEWHERE[:3]:
                names = dict.fromkeys(("next", "redirect_to", "url", "RelayState", "order", "role"), address)
                for answer in (
                    client.get(url, names, headers={"Referer": "https://evil.example/"}),
                    client.post(url, names | {"language": "de"}, headers={"Referer": "https://evil.example/"}),
                ):
                    for name in ("Location", "HX-Redirect", "HX-Location"):
                        assert not leads_away(answer.get(name, "/")), (name, answer[name])
                    assert "evil.example" not in answer.get("Refresh", "")

    @pytest.mark.parametrize("path", ["//evil.example/accounts/login", "/\\evil.example", "//evil.example/%2e%2e"])
    def test_no_path_does(self, client, path):
        answer = client.get("/", PATH_INFO=path)

        assert not leads_away(answer.get("Location", "/"))
