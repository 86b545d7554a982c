"""What browsers are told with every answer, and what answers do not tell."""

import json
from functools import partial

import pytest
from django.core import checks
from django.test import Client

from lunaportal.settings import CACHES
from tests.accounts.test_pages import Inline
from tests.lunaportal.test_settings import run
from tests.test_every_view_is_guarded import ACCOUNT, ENDPOINTS, PAGES, PUBLIC, url_of
from tests.test_every_view_is_guarded import world as world

pytestmark = pytest.mark.django_db

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"]
TALKATIVE = {"Server", "X-Powered-By", "X-AspNet-Version", "Via", "Access-Control-Allow-Origin"}


@pytest.mark.parametrize("route", sorted({*PAGES, *ACCOUNT, *PUBLIC, *ENDPOINTS, "nowhere"}))
def test_every_answer_is_closed_to_other_pages_and_to_caches(route, world):
    for client in (Client(), world.sessions["admin"]):
        answer = client.get(url_of(route, world))

        assert {name: answer.get(name) for name in EVERYWHERE} == EVERYWHERE
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
        assert not TALKATIVE & {*answer.headers}
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "*" not in policy
        assert all(directive in policy for directive in POLICY)
        assert "camera=()" in answer["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/api/v1/docs", "/admin/", "/accounts/login/", "/nowhere"])
def test_pages_hold_no_scripts_of_their_own(path, django_user_model):
    client = Client()
    if path == "/admin/":
        client.force_login(
            django_user_model.objects.create_superuser("grace@example.com", "x"),
            backend="allauth.account.auth_backends.AuthenticationBackend",
        )

    inline = Inline()
    inline.feed(client.get(path, follow=True).content.decode())

    assert inline.found == []


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND"])
def test_no_answer_echoes_the_request(method, browser, alice):
    for path in ("/", "/o/acme", "/accounts/login/", "/api/v1/organizations/acme", "/livez"):
        answer = browser(alice).generic(method, path, headers={"X-Canary": "canary-in-a-header"})
        assert "canary-in-a-header" not in answer.content.decode() + str(answer.headers)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:80@evil.example", "x" * 8000])
def test_other_hosts_are_refused(client, host):
    assert client.get("/accounts/login/", headers={"Host": host}).status_code == 400


def test_nobody_claims_another_host(client):
    answer = client.get("/accounts/password/reset/", headers={"X-Forwarded-Host": "evil.example"})

    assert answer.wsgi_request.get_host() == "testserver"


COOKIES = """
import json
from django.conf import settings
names = [name for name in dir(settings) if "COOKIE" in name or name.startswith("SECURE_")]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def test_over_https_cookies_are_for_this_host_and_for_the_server_alone():
    script = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'lunaportal.settings'; exec({COOKIES!r})"

    told = json.loads(run(script).stdout)

    for name in ("SESSION", "CSRF", "LANGUAGE"):
        assert told[f"{name}_COOKIE_NAME"].startswith("__Host-")
        assert told[f"{name}_COOKIE_SECURE"]
        assert told[f"{name}_COOKIE_HTTPONLY"]
        assert told[f"{name}_COOKIE_SAMESITE"] == "Lax"
        assert (told[f"{name}_COOKIE_PATH"], told[f"{name}_COOKIE_DOMAIN"]) == ("/", None)
    assert told["KNOWN_BROWSER_COOKIE_NAME"].startswith("__Host-")
    assert told["SECURE_HSTS_SECONDS"] >= 365 * 24 * 3600
    assert told["SECURE_SSL_REDIRECT"]


def test_a_cache_of_one_process_is_warned_of(settings):
    run_checks = partial(checks.run_checks, tags=[checks.Tags.security], include_deployment_checks=True)
    assert "lunaportal.W001" in {warning.id for warning in run_checks()}

    settings.CACHES = CACHES

    assert "lunaportal.W001" not in {warning.id for warning in run_checks()}
