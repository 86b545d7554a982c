"""Canaries in the place of all secrets, which then are used, misused, and in the way when something breaks.

They may be found in no answer, no table, no line of the log, and no mail. (The answer that shows a key once, and the
mail with an invitation, are left out.)
"""

import io
import json
import logging
from types import SimpleNamespace

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from gateway.models import Problem
from lunaportal import logs
from organizations import services
from organizations.models import Invitation
from quotas.services import assign_quota
from tests.conftest import send_problem, solved_job
from tests.test_every_view_is_guarded import ACCOUNT, ENDPOINTS, PAGES, url_of
from tokens.services import replace_secret, upload_token

pytestmark = pytest.mark.django_db

GROUP = "DEV-c0ffee00c0ffee00c0ffee00c0ffee00c0ffee01"
FORMER = "DEV-c0ffee00c0ffee00c0ffee00c0ffee00c0ffee02"
PERSONAL = "DEV-c0ffee00c0ffee00c0ffee00c0ffee00c0ffee03"
INLINE = "DEV-c0ffee00c0ffee00c0ffee00c0ffee00c0ffee04"
NEW = "DEV-c0ffee00c0ffee00c0ffee00c0ffee00c0ffee05"
AWS_KEY = "c0ffeeC0ffee/c0ffee+c0ffeec0ffeec0ffee06"
AWS = f'{{"aws_access_key": "AKIAC0FFEEC0FFEEC0FF", "aws_secret_access_key": "{AWS_KEY}"}}'
PASSWORD = "c0ffee horse battery staple"
WRONG = "c0ffee-wrong-password-typed"
TOTP_SECRET = "C0FFEEC0FFEEC0FFEEC0FFEEC0FFEEC0".replace("0", "O")


@pytest.fixture
def log():
    """All that is logged, from the finest on."""
    stream = io.StringIO()
    logs.configure({"format": "json", "level": logging.DEBUG})
    logging.getLogger().handlers[0].setStream(stream)
    yield stream
    logs.configure(django_settings.LOGGING)


@pytest.fixture
def secrets(alice, acme):
    """Every kind of secret, kept as it is kept; what none of them may be found as."""
    user, now = alice.user, timezone.now()
    user.set_password(PASSWORD)
    user.save()
    TOTP.activate(user, TOTP_SECRET)
    codes = RecoveryCodes.activate(user).get_unused_codes()
    _, key = services.issue_key(name="first", by=alice, now=now)
    token = upload_token(scope="group", provider="dwave", name="lab", secret=FORMER, by=alice)
    send_problem(token=token, by=alice, now=now)
    replace_secret(token=token, secret=GROUP, by=alice, now=now)
    upload_token(scope="personal", provider="dwave", name="mine", secret=PERSONAL, by=alice)
    upload_token(scope="group", provider="aws", name="cloud", secret=AWS, by=alice)
    assign_quota(token=token, member=None, quota_ns=10**9, by=alice, now=now)
    services.invite_all(emails=["dora@example.com"], role="member", by=alice, now=now)
    mail.outbox.clear()
    return {
        "group token": GROUP,
        "former secret": FORMER,
        "personal token": PERSONAL,
        "inline token": INLINE,
        "new secret": NEW,
        "AWS key": AWS_KEY,
        "password": PASSWORD,
        "wrong password": WRONG,
        "authenticator app": TOTP_SECRET,
        **{f"recovery code {code}": code for code in codes},
        "API key": key,
        "invitation": Invitation.objects.get().token,
        "secret key": django_settings.SECRET_KEY,
        "encryption key": str(django_settings.FIELD_ENCRYPTION_KEY[0]),
    }


def found(secrets, text):
    return [name for name, secret in secrets.items() if secret in text or json.dumps(secret)[1:-1] in text]


def dump():
    """Every row of every table, and what sessions and the cache hold."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += [f"{table}: {row}" for row in cursor.fetchall()]
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    return "\n".join([*rows, *sessions, str(cache._cache)])


def samples(alice):
    """What stands in addresses for what varies."""
    job = solved_job(alice)
    here = {"organization": "acme", "member_id": alice.pk, "key_id": alice.keys.last().pk, "pk": 1}
    theirs = {"problem_id": Problem.objects.get().pk, "invitation_id": Invitation.objects.get().pk}
    return SimpleNamespace(
        samples=here | theirs | {"email": "alice@example.com", "model_id": job.model_id, "job_id": job.pk}
    )


def program(secrets):
    return Client(headers={"Luna-API-Key": secrets["API key"]}, raise_request_exception=False)


def visitor(alice):
    client = Client(raise_request_exception=False)
    client.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def content_of(answer):
    return (
        b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode("utf-8", "replace")
    )


def try_everything(alice, secrets):
    """All that is answered on pages and to programs, with the secrets in what is sent."""
    world, answers = samples(alice), []
    page, caller = visitor(alice), program(secrets)
    answers += [page.get(url_of(route, world)) for route in sorted({*PAGES, *ACCOUNT})]
    answers += [
        caller.generic(method.split()[0], url_of(route, world), content_type="application/json")
        for route, methods in ENDPOINTS.items()
        for method in methods
        if method != "DELETE"
    ]
    new = {"name": "new", "provider": "dwave", "scope": "group", "token": NEW}
    answers += [
        page.post("/o/acme/tokens/new", new | {"secret": NEW}),
        page.post("/o/acme/tokens/group/lab/secret", {"secret": NEW, "token": NEW}),
        page.post("/o/acme/tokens/group/lab/test"),
        page.post("/accounts/reauthenticate/", {"password": WRONG}),
        page.post("/accounts/password/change/", {"oldpassword": WRONG, "password1": PASSWORD, "password2": WRONG}),
        caller.post("/api/v1/organizations/acme/qpu-tokens", new | {"name": "/"}, "application/json"),
        caller.post("/api/v1/organizations/acme/qpu-tokens", json.dumps(new)[:-1], "application/json"),
        caller.post("/api/v1/organizations/acme/qpu-tokens", {NEW: NEW}, "application/json"),
        caller.put("/api/v1/organizations/acme/qpu-tokens/group/lab/secret", {"token": NEW}, "application/json"),
        caller.post("/luna-solve/api/v1/qpu-tokens/shared", new, "application/json"),
        caller.post(
            "/luna-solve/api/v1/solve-jobs",
            {
                "model_id": world.samples["model_id"],
                "solver_name": "QA",
                "provider": "dwave",
                "parameters": {},
                "qpu_tokens": {"dwave": {"source": "inline", "name": None, "token": INLINE}},
            },
            "application/json",
        ),
        Client().post("/accounts/login/", {"login": "alice@example.com", "password": WRONG}),
        Client().post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD}),
        Client(headers={"Luna-API-Key": GROUP}).get("/api/v1/organizations"),
        Client(headers={"Authorization": f"Bearer {secrets['API key']}x"}).get("/api/v1/organizations"),
        Client(headers={"Host": GROUP}).get(f"/{PERSONAL}"),
        Client().get(f"/api/v1/{secrets['API key']}?token={GROUP}"),
    ]
    return answers


def words_of(message):
    return f"{message.subject} {message.body} {message.alternatives}"


def look_everywhere(answers, secrets, log):
    for answer in answers:
        assert found(secrets, content_of(answer) + str(answer.headers)) == [], answer.request["PATH_INFO"]
    assert found(secrets, dump()) == []
    assert found(secrets, log.getvalue()) == []
    assert found(secrets, "\n".join(map(words_of, mail.outbox))) == []
    assert log.getvalue()


def test_no_secret_is_found_again(alice, secrets, log):
    answers = try_everything(alice, secrets)

    assert not [answer for answer in answers if answer.status_code == 500]
    look_everywhere(answers, secrets, log)


@pytest.mark.parametrize("place", ["audit.log.Event.save", "tokens.models.QpuToken.save", "tokens.services.lock"])
def test_nor_when_it_breaks_in_the_middle(alice, secrets, log, monkeypatch, place):
    """What broke has all secrets in its words, as an error of a database or of a library may."""

    def fail(*args, **kwargs):
        raise RuntimeError(f"failed at {list(secrets.values())[:6]}, {kwargs}")

    world, page, caller = samples(alice), visitor(alice), program(secrets)
    monkeypatch.setattr(place, fail)
    new = {"name": "new", "provider": "dwave", "scope": "group", "token": NEW, "secret": NEW}

    answers = [
        page.post("/o/acme/tokens/new", new),
        page.post("/o/acme/tokens/group/lab/secret", new),
        caller.post("/api/v1/organizations/acme/qpu-tokens", new, "application/json"),
        caller.put("/api/v1/organizations/acme/qpu-tokens/group/lab/secret", {"token": NEW}, "application/json"),
        caller.delete(url_of("api/v1/organizations/<organization>/qpu-tokens/group/<name>", world)),
    ]

    assert [answer for answer in answers if answer.status_code == 500]
    assert "RuntimeError: failed at" in log.getvalue()
    look_everywhere(answers, secrets, log)


def test_the_search_would_find_them(secrets, log):
    """A search that finds nothing, whatever there is, would prove nothing."""
    logging.getLogger("x").warning("a plain word: %s", "staple of c0ffee")

    assert found({"": "staple of c0ffee"}, log.getvalue()) == [""]
    assert found({"": "alice@example.com"}, dump()) == [""]
    assert found(secrets, f"… {json.dumps(GROUP)} …") == ["group token"]
