"""Every address, every role, every method: who gets in, and what the others are told.

The tables below say what is expected. An address that is in none of them fails: deny by default, and write down what is
open. Organizations are Acme, where Alice is an admin and Bob a member, and Globex, which Charlie administers.
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from django.utils import timezone
from rest_framework.views import APIView

from organizations import services
from organizations.access import MemberAPIView
from organizations.api import MyOrganizations
from organizations.models import ApiKey, Invitation, Membership
from organizations.permissions import Role
from quotas.services import assign_quota
from tests.conftest import SECRET, join, send_problem, solved_job
from tokens.services import upload_token

pytestmark = pytest.mark.django_db

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
OK = "let in"

# --- What is expected: the answers to a stranger, a member and an admin -----------------------------------------------

ALL = (OK, OK, OK)
MEMBERS = (404, OK, OK)
ADMINS = (404, 403, OK)
BOB = (404, OK, 404)  # what is Bob's own is no admin's either
OWN_ADMINS = (OK, 403, OK)  # Charlie is the admin of his own organization

ORGANIZATION = "api/v1/organizations/<organization>"
TOKENS = f"{ORGANIZATION}/qpu-tokens"
API = {
    "api/v1/organizations": {"GET": ALL, "POST": ALL},
    ORGANIZATION: {"GET": MEMBERS, "PATCH": ADMINS},
    f"{ORGANIZATION}/membership": {"GET": MEMBERS, "DELETE": MEMBERS},
    f"{ORGANIZATION}/members": {"GET": ADMINS},
    f"{ORGANIZATION}/members/<member_id>": {"GET": ADMINS, "PATCH": ADMINS, "DELETE": ADMINS},
    f"{ORGANIZATION}/members/<member_id>/api-keys": {"GET": ADMINS},
    f"{ORGANIZATION}/members/<member_id>/api-keys/<key_id>": {"DELETE": ADMINS},
    f"{ORGANIZATION}/invitations": {"GET": ADMINS, "POST": ADMINS},
    f"{ORGANIZATION}/invitations/<invitation_id>": {"GET": ADMINS, "DELETE": ADMINS},
    f"{ORGANIZATION}/api-keys": {"GET": MEMBERS, "POST": MEMBERS},
    f"{ORGANIZATION}/api-keys/<key_id>": {"GET": BOB, "PATCH": BOB, "DELETE": BOB},
    f"{ORGANIZATION}/audit": {"GET": ADMINS},
    f"{ORGANIZATION}/usage": {"GET": MEMBERS, "GET ?of=organization": ADMINS},
    f"{ORGANIZATION}/refusals": {"GET": MEMBERS, "GET ?of=organization": ADMINS},
    f"{ORGANIZATION}/problems": {"GET": MEMBERS, "GET ?of=organization": ADMINS},
    f"{ORGANIZATION}/problems/<problem_id>": {"GET": MEMBERS},
    f"{ORGANIZATION}/problems/<problem_id>/cancel": {"POST": MEMBERS},
    TOKENS: {"GET": MEMBERS, "POST": MEMBERS, "POST a group token": ADMINS},
    f"{TOKENS}/personal/<name>": {"GET": BOB, "PATCH": BOB, "DELETE": BOB},
    f"{TOKENS}/personal/<name>/secret": {"PUT": BOB},
    f"{TOKENS}/personal/<name>/test": {"POST": BOB},
    f"{TOKENS}/personal/<name>/can-run": {"GET": BOB},
    f"{TOKENS}/personal/<name>/time-left": {"GET": BOB},
    f"{TOKENS}/personal/<name>/rules": {"GET": BOB, "PATCH": BOB},
    f"{TOKENS}/group/<name>": {"GET": MEMBERS, "PATCH": ADMINS, "DELETE": ADMINS},
    f"{TOKENS}/group/<name>/secret": {"PUT": ADMINS},
    f"{TOKENS}/group/<name>/test": {"POST": ADMINS},
    f"{TOKENS}/group/<name>/can-run": {"GET": MEMBERS},
    f"{TOKENS}/group/<name>/time-left": {"GET": MEMBERS},
    f"{TOKENS}/group/<name>/rules": {"GET": MEMBERS, "PATCH": ADMINS},
    f"{TOKENS}/group/<name>/users": {"GET": ADMINS},
    f"{TOKENS}/group/<name>/quotas": {"GET": ADMINS},
    f"{TOKENS}/group/<name>/quotas/assign": {"POST": ADMINS},
    f"{TOKENS}/group/<name>/quotas/group": {"GET": ADMINS, "POST": ADMINS, "PATCH": ADMINS, "DELETE": ADMINS},
    f"{TOKENS}/group/<name>/quotas/users/<email>": {"GET": ADMINS, "POST": ADMINS, "PATCH": ADMINS, "DELETE": ADMINS},
}
# The key says which organization is meant.
LUNA = {
    "users/me": {"GET": ALL},
    "qpu-tokens": {"GET": ALL},
    "qpu-tokens/private": {"POST": ALL},
    "qpu-tokens/private/<name>": {"GET": BOB, "PATCH": BOB, "DELETE": BOB},
    "qpu-tokens/shared": {"POST": OWN_ADMINS},
    "qpu-tokens/shared/<name>": {"GET": MEMBERS, "PATCH": ADMINS, "DELETE": ADMINS},
    "qpu-tokens/shared/quota/group/<name>": {"GET": ADMINS, "POST": ADMINS, "PATCH": ADMINS, "DELETE": ADMINS},
    # The address is Bob's, who may read his own.
    "qpu-tokens/shared/quota/user/<name>/<email>": {"GET": MEMBERS, "POST": ADMINS, "PATCH": ADMINS, "DELETE": ADMINS},
}
LUNA_SOLVE = {
    "solvers/available": {"GET": ALL},
    "providers/available": {"GET": ALL},
    "models": {"POST": ALL},
    "models/metadata": {"GET": ALL},
    "models/metadata/<model_id>": {"GET": BOB},
    "models/data/<model_id>": {"GET": BOB},
    "models/<model_id>": {"DELETE": BOB},
    "solve-jobs": {"POST": ALL},
    "solve-jobs/metadata": {"GET": ALL},
    "solve-jobs/metadata/<job_id>": {"GET": BOB},
    "solve-jobs/metadata/<job_id>/cancel": {"POST": BOB},
    "solve-jobs/data/<job_id>": {"GET": BOB},
    "solve-jobs/<job_id>": {"DELETE": BOB},
}
LUNA_Q = {"circuits": {"POST": ALL}, "circuits/<circuit_id>/<provider>": {"GET": ALL}}
KEYS_ONLY = (
    {f"luna-q/api/v1/{route}": methods for route, methods in (LUNA | LUNA_Q).items()}
    | {f"luna-solve/api/v1/{route}": methods for route, methods in (LUNA | LUNA_SOLVE).items()}
    | {f"api/v1/{route}": methods for route, methods in (LUNA | LUNA_SOLVE).items()}
)
ENDPOINTS = API | KEYS_ONLY

PAGES = {
    "": ALL,
    "organizations/new": ALL,
    "o/<organization>": MEMBERS,
    "o/<organization>/settings": ADMINS,
    "o/<organization>/settings/sign-in": ADMINS,
    "o/<organization>/close": ADMINS,
    "o/<organization>/closed": MEMBERS,
    "o/<organization>/reopen": ADMINS,
    "o/<organization>/leave": MEMBERS,
    "o/<organization>/members": ADMINS,
    "o/<organization>/members/<member_id>/role": ADMINS,
    "o/<organization>/members/<member_id>/remove": ADMINS,
    "o/<organization>/members/keys": ADMINS,
    "o/<organization>/members/keys/<key_id>/revoke": ADMINS,
    "o/<organization>/members/invite": ADMINS,
    "o/<organization>/members/invite/send": ADMINS,
    "o/<organization>/members/invitations": ADMINS,
    "o/<organization>/members/invitations/<invitation_id>/resend": ADMINS,
    "o/<organization>/members/invitations/<invitation_id>/revoke": ADMINS,
    "o/<organization>/keys": MEMBERS,
    "o/<organization>/keys/new": MEMBERS,
    "o/<organization>/keys/<key_id>/rename": BOB,
    "o/<organization>/keys/<key_id>/revoke": BOB,
    "o/<organization>/tokens": MEMBERS,
    "o/<organization>/tokens/new": MEMBERS,
    "o/<organization>/tokens/personal/<name>": BOB,
    "o/<organization>/tokens/personal/<name>/settings": BOB,
    "o/<organization>/tokens/personal/<name>/test": BOB,
    "o/<organization>/tokens/personal/<name>/secret": BOB,
    "o/<organization>/tokens/personal/<name>/delete": BOB,
    "o/<organization>/tokens/group/<name>": MEMBERS,
    "o/<organization>/tokens/group/<name>/settings": ADMINS,
    "o/<organization>/tokens/group/<name>/test": ADMINS,
    "o/<organization>/tokens/group/<name>/secret": ADMINS,
    "o/<organization>/tokens/group/<name>/delete": ADMINS,
    "o/<organization>/tokens/personal/<name>/rules": BOB,
    "o/<organization>/tokens/group/<name>/rules": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas.csv": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/group": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/group/set": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/group/remove": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/members/<member_id>": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/members/<member_id>/set": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/members/<member_id>/remove": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/assign": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/assign/apply": ADMINS,
    "o/<organization>/tokens/group/<name>/quotas/remove": ADMINS,
    "o/<organization>/overview": ADMINS,
    "o/<organization>/jobs": MEMBERS,
    "o/<organization>/jobs/everybody": ADMINS,
    "o/<organization>/jobs/<problem_id>/cancel": MEMBERS,
    "o/<organization>/jobs/solve": MEMBERS,
    "o/<organization>/jobs/solve/everybody": ADMINS,
    "o/<organization>/jobs/solve/of/<problem_id>": MEMBERS,
    "o/<organization>/jobs/solve/<job_id>": BOB,
    "o/<organization>/jobs/solve/<job_id>/solution": BOB,
    "o/<organization>/jobs/solve/<job_id>/model": BOB,
    "o/<organization>/jobs/solve/<job_id>/cancel": BOB,
    "o/<organization>/jobs/solve/<job_id>/delete": BOB,
    "o/<organization>/usage": MEMBERS,
    "o/<organization>/usage.csv": MEMBERS,
    "o/<organization>/usage/everybody": ADMINS,
    "o/<organization>/usage/everybody.csv": ADMINS,
    "o/<organization>/audit": ADMINS,
    "o/<organization>/audit.csv": ADMINS,
}

# Buttons of other pages: they take a POST, and nothing else.
BUTTONS = {
    "o/<organization>/reopen",
    "o/<organization>/members/<member_id>/role",
    "o/<organization>/members/invite/send",
    "o/<organization>/members/invitations/<invitation_id>/resend",
    "o/<organization>/members/invitations/<invitation_id>/revoke",
}

# Pages about the own account: nothing but being signed in opens them, and each shows the visitor's own things only.
ACCOUNT = {
    "accounts/profile/",
    "accounts/data/",
    "accounts/delete/",
    "accounts/reauthenticate/",
    "accounts/email/",
    "accounts/password/change/",
    "accounts/password/set/",
    "accounts/2fa/",
    "accounts/2fa/reauthenticate/",
    "accounts/2fa/totp/activate/",
    "accounts/2fa/totp/deactivate/",
    "accounts/2fa/recovery-codes/",
    "accounts/2fa/recovery-codes/generate/",
    "accounts/2fa/recovery-codes/download/",
    "accounts/2fa/webauthn/",
    "accounts/2fa/webauthn/add/",
    "accounts/2fa/webauthn/reauthenticate/",
    "accounts/2fa/webauthn/keys/<pk>/remove/",
    "accounts/2fa/webauthn/keys/<pk>/edit/",
    "accounts/3rdparty/",
    "accounts/social/connections/",
    "accounts/sessions/",
}

SIGNING_IN = "part of signing in, signing up or coming back"
SINGLE_SIGN_ON = "a step on the way to an identity provider or back"
PUBLIC = {
    "accounts/login/": SIGNING_IN,
    "accounts/logout/": SIGNING_IN,
    "accounts/inactive/": SIGNING_IN,
    "accounts/signup/": SIGNING_IN,
    "accounts/confirm-email/": SIGNING_IN,
    "accounts/confirm-email/<key>/": "opened from a mail, perhaps in another browser",
    "accounts/language/": "chooses the language of the pages, also of those for signing in",
    "accounts/password/reset/": SIGNING_IN,
    "accounts/password/reset/done/": SIGNING_IN,
    "accounts/password/reset/key/<uidb36>-<key>/": "opened from a mail; the key in it is what lets in",
    "accounts/password/reset/key/done/": SIGNING_IN,
    "accounts/login/code/confirm/": SIGNING_IN,
    "accounts/2fa/authenticate/": "the second half of signing in",
    "accounts/2fa/webauthn/login/": SIGNING_IN,
    "accounts/3rdparty/login/cancelled/": SINGLE_SIGN_ON,
    "accounts/3rdparty/login/error/": SINGLE_SIGN_ON,
    "accounts/3rdparty/signup/": SINGLE_SIGN_ON,
    "accounts/social/login/cancelled/": SINGLE_SIGN_ON,
    "accounts/social/login/error/": SINGLE_SIGN_ON,
    "accounts/social/signup/": SINGLE_SIGN_ON,
    "accounts/saml/<organization_slug>/acs/": SINGLE_SIGN_ON,
    "accounts/saml/<organization_slug>/acs/finish/": SINGLE_SIGN_ON,
    "accounts/saml/<organization_slug>/sls/": SINGLE_SIGN_ON,
    "accounts/saml/<organization_slug>/metadata/": "what an identity provider must know of us; nothing secret",
    "accounts/saml/<organization_slug>/login/": SINGLE_SIGN_ON,
    "accounts/oidc/<provider_id>/login/": SINGLE_SIGN_ON,
    "accounts/oidc/<provider_id>/login/callback/": SINGLE_SIGN_ON,
    "invitations/<token>": "opened from a mail; the signature in it is what lets in",
    "invitations/<token>/sign-up": "opened from a mail; the signature in it is what lets in",
    "admin/login/": "sends people to where they get in",
    "admin/logout/": "lets nobody in",
    "livez": "asked by load balancers; tells nothing but that we live",
    "readyz": "asked by load balancers; tells nothing but what fails",
    "metrics": "asked by Prometheus; nothing is there without METRICS_TOKEN",
    "api/v1/schema": "holds nothing of anybody",
    "api/v1/docs": "holds nothing of anybody",
}


def is_for_operators(route: str) -> bool:
    """The operators' admin guards itself: being staff, and a second factor, open all of it."""
    return route.startswith("admin/") and route not in PUBLIC


# --- What there is ----------------------------------------------------------------------------------------------------


def plain(pattern: str) -> str:
    """A path or regular expression of the URLconf, with bare names for what varies: o/<organization>."""
    pattern = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", pattern)
    return re.sub(r"<\w+:(\w+)>", r"<\1>", pattern).replace("^", "").removesuffix("$")


def walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for entry in resolver.url_patterns:
        route = prefix + plain(str(entry.pattern))
        if isinstance(entry, URLPattern):
            yield route, entry.callback
        else:
            yield from walk(entry, route)


VIEWS = dict(walk(get_resolver()))


def view_class(view: Callable[..., Any]) -> type | None:
    return getattr(view, "cls", None) or getattr(view, "view_class", None)


def handlers(cls: type[APIView]) -> list[str]:
    """The methods that an API view answers, besides HEAD, which is GET, and OPTIONS, which DRF adds."""
    return [name.upper() for name in cls.http_method_names if hasattr(cls, name) and name not in {"head", "options"}]


# --- The cast, once for all of these tests ----------------------------------------------------------------------------


def key_of(member: Membership, **changes: Any) -> Client:
    key, raw_key = services.issue_key(name="test", by=member, now=timezone.now())
    ApiKey.objects.filter(pk=key.pk).update(**changes)
    return Client(headers={"Luna-API-Key": raw_key})


def session_of(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[SimpleNamespace]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield populate()
        transaction.set_rollback(True)


def populate() -> SimpleNamespace:
    now = timezone.now()
    alice = join("Acme", "alice@example.com", Role.ADMIN)
    bob = join("Acme", "bob@example.com", Role.MEMBER)
    charlie = join("Globex", "charlie@example.com", Role.ADMIN)
    deputy = join("Acme", "deputy@example.com", Role.ADMIN)
    dave = join("Acme", "dave@example.com", Role.ADMIN)
    lab = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=alice)
    upload_token(scope="personal", provider="dwave", name="mine", secret=SECRET, by=bob)
    for member in (None, bob):
        assign_quota(token=lab, member=member, quota_ns=10**9, by=alice, now=now)
    services.invite_all(emails=["dora@example.com"], role=Role.MEMBER, by=alice, now=now)
    job = solved_job(bob)
    problem = send_problem(token=lab, by=bob, now=now)

    keys = {
        "stranger": key_of(charlie),
        "member": key_of(bob),
        "admin": key_of(alice),
        "powerless": key_of(deputy, scopes=[]),
        "revoked": key_of(deputy, revoked_at=now),
        "expired": key_of(deputy, expires_at=now),
        "deactivated": key_of(dave),
    }
    sessions = {
        "stranger": session_of(charlie),
        "member": session_of(bob),
        "admin": session_of(alice),
        "deactivated": session_of(dave),
    }
    dave.user.is_active = False
    dave.user.save(update_fields=["is_active"])
    samples = {
        "organization": "acme",
        "member_id": bob.pk,
        "key_id": bob.keys.first().pk,
        "problem_id": problem.pk,
        "invitation_id": Invitation.objects.get().pk,
        "email": "bob@example.com",
        "model_id": job.model_id,
        "job_id": job.pk,
        "pk": 1,
    }
    return SimpleNamespace(keys=keys, sessions=sessions, samples=samples)


def url_of(route: str, world: SimpleNamespace) -> str:
    personal = "personal/" in route or "private/" in route
    samples = {"name": "mine" if personal else "lab"} | world.samples
    return "/" + re.sub(r"<(\w+)>", lambda match: str(samples.get(match[1], "x")), route)


def ask(client: Client, method: str, url: str) -> HttpResponse:
    """What is answered; nothing that the request does lasts. `method` may go on with a query, or with another body."""
    verb, _, variant = method.partition(" ")
    url += variant if variant.startswith("?") else ""
    body = {"scope": "group", "provider": "ibm", "name": "new", "token": SECRET} if variant == "a group token" else {}
    with transaction.atomic():
        response = client.generic(verb, url, data=str(body).replace("'", '"'), content_type="application/json")
        transaction.set_rollback(True)
    not_offered = response.status_code == HTTPStatus.NOT_IMPLEMENTED
    assert not_offered or response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, f"{method} {url}"
    return response


def verdict(response: HttpResponse) -> int | str:
    """The status, or OK where the visitor got as far as the matter itself."""
    return response.status_code if response.status_code in {401, 403, 404, 405} else OK


# --- The addresses ----------------------------------------------------------------------------------------------------


def test_every_address_is_in_one_table():
    tables = [set(ENDPOINTS), set(PAGES), ACCOUNT, set(PUBLIC), {route for route in VIEWS if is_for_operators(route)}]

    assert set(VIEWS) == set().union(*tables)
    assert len(VIEWS) == sum(map(len, tables))


def test_every_endpoint_names_a_permission_for_each_method():
    for route in ENDPOINTS:
        cls = view_class(VIEWS[route])
        if cls is MyOrganizations:  # of the person who asks, before any organization is chosen
            continue
        assert issubclass(cls, MemberAPIView), route
        view = cls(**VIEWS[route].initkwargs, kwargs={"email": "bob@example.com"})
        for method in handlers(cls):
            request = SimpleNamespace(method=method, user=SimpleNamespace(email="bob@example.com"))
            assert view.permission_for(request) is not None, f"{method} {route}"


def test_every_handler_of_an_endpoint_is_in_the_table():
    for route, methods in ENDPOINTS.items():
        assert set(handlers(view_class(VIEWS[route]))) == {method.partition(" ")[0] for method in methods}, route


def test_every_page_below_an_organization_has_passed_the_guard():
    for route, view in VIEWS.items():
        if "<organization>" in route and route not in ENDPOINTS:
            assert hasattr(view, "permission"), route


# --- Endpoints --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ENDPOINTS)
class TestEndpoint:
    def test_it_lets_in_by_key_whom_it_should(self, route, world):
        for method, expected in ENDPOINTS[route].items():
            for role, answer in zip(("stranger", "member", "admin"), expected, strict=True):
                response = ask(world.keys[role], method, url_of(route, world))
                assert verdict(response) == answer, f"{method} {route} by {role}"

    def test_it_lets_in_by_session_whom_it_should(self, route, world):
        for method, expected in ENDPOINTS[route].items():
            answers = (403, 403, 403) if route in KEYS_ONLY else expected
            for role, answer in zip(("stranger", "member", "admin"), answers, strict=True):
                response = ask(world.sessions[role], method, url_of(route, world))
                assert verdict(response) == answer, f"{method} {route} by {role}"

    def test_it_asks_everybody_else_who_they_are(self, route, world):
        refused = {role: world.keys[role] for role in ("revoked", "expired", "deactivated")}
        refused |= {"signed out": Client(), "deactivated in a browser": world.sessions["deactivated"]}
        for method in METHODS:
            for role, client in refused.items():
                response = ask(client, method, url_of(route, world))
                assert response.status_code == 401, f"{method} {route} by {role}"
                assert response.json().keys() == {"detail"}
                assert response["WWW-Authenticate"]

    def test_a_key_without_scopes_opens_nothing(self, route, world):
        for method in ENDPOINTS[route]:
            if (method, route) == ("GET", "api/v1/organizations"):  # it may learn whose key it is
                continue
            assert ask(world.keys["powerless"], method, url_of(route, world)).status_code == 403, f"{method} {route}"

    def test_it_knows_no_other_methods(self, route, world):
        known = {method.partition(" ")[0] for method in ENDPOINTS[route]}
        for method in {*METHODS, "TRACE", "FOO"} - known:
            response = ask(world.keys["admin"], method, url_of(route, world))
            assert response.status_code == 405, f"{method} {route}"
            assert known <= set(response["Allow"].split(", ")) <= known | {"HEAD"}


# --- Pages ------------------------------------------------------------------------------------------------------------


def leads_to_sign_in(response: HttpResponse) -> bool:
    return response.status_code == 302 and response["Location"].startswith("/accounts/login/?next=/")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("route", PAGES)
class TestPage:
    def test_it_lets_in_whom_it_should(self, route, method, world):
        let_in = 405 if method == "GET" and route in BUTTONS else OK
        for role, answer in zip(("stranger", "member", "admin"), PAGES[route], strict=True):
            response = ask(world.sessions[role], method, url_of(route, world))
            assert verdict(response) == (let_in if answer == OK else answer), role
            assert not leads_to_sign_in(response), role

    def test_it_sends_everybody_else_to_sign_in(self, route, method, world):
        for client in (Client(), world.sessions["deactivated"], world.keys["admin"]):
            assert leads_to_sign_in(ask(client, method, url_of(route, world)))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("route", sorted(ACCOUNT))
def test_account_pages_send_those_who_are_not_signed_in_to_do_so(route, method, world):
    for client in (Client(), world.sessions["deactivated"], world.keys["admin"]):
        assert leads_to_sign_in(ask(client, method, url_of(route, world)))


@pytest.mark.parametrize("route", [route for route in VIEWS if is_for_operators(route)])
def test_the_operators_admin_lets_nobody_else_in(route, world):
    others = {"signed out": Client(), "key": world.keys["admin"]} | world.sessions
    for role, client in others.items():
        for method in ("GET", "POST"):
            response = ask(client, method, url_of(route, world))
            assert response.status_code == 302, role
            assert response["Location"].startswith(("/accounts/login/", "/admin/login/")), role


def test_the_way_into_the_operators_admin_ends_for_everybody_else(world):
    for client in (Client(), world.sessions["deactivated"], world.keys["admin"]):
        assert client.get("/admin/login/")["Location"] == "/accounts/login/?next=/admin/"
    for role in ("stranger", "member", "admin"):
        assert world.sessions[role].get("/admin/login/").status_code == 403


@pytest.mark.parametrize("route", sorted(PUBLIC))
def test_what_is_public_never_fails(route, world):
    for client in (Client(), world.sessions["member"]):
        for method in METHODS:
            ask(client, method, url_of(route, world))
