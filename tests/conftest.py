"""What all tests share."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from audit import triggers
from encryption.models import Canary
from gateway.models import Problem
from organizations import services
from organizations.models import Membership, Organization
from organizations.permissions import Role
from quotas.models import RefusedJobs
from quotas.refusals import Why, count
from quotas.services import reserve
from solving.models import SolveJob
from solving.services import upload_model
from tokens.models import QpuToken
from tokens.services import upload_token


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let tests that cannot roll back empty the tables: no append-only triggers, and a new canary afterwards."""
    with django_db_blocker.unblock():
        triggers.remove(connection)  # an error unless the migrations have installed them
    post_migrate.connect(plant_the_canary, sender=apps.get_app_config("encryption"))
    yield
    with django_db_blocker.unblock():
        triggers.install(connection)


def plant_the_canary(**kwargs: object) -> None:
    Canary.objects.get_or_create(pk=1)


# --- The cast: Alice administers Acme and Bob is a member there; Charlie, who administers Globex, is a stranger -------

SECRET = "DEV-canary-0123456789abcdef-secret"


def join(organization: str, email: str, role: str) -> Membership:
    return services.provide_member(organization=organization, email=email, role=role, key_name="first")[0]


def solved_job(member: Membership, **changes: object) -> SolveJob:
    """A job of this member's that is done, on a model; neither is one that luna_model could read."""
    now = timezone.now()
    model = upload_model(data=b"a model", by=member, now=now)
    facts = {
        "provider": "dwave",
        "solver": "SA",
        "status": SolveJob.Status.DONE,
        "result": b"a solution",
        "summary": {"best": -1.0, "feasible": 1, "samples": 1},
        "created_at": now,
        "started_at": now,
        "ended_at": now,
    }
    facts["organization"] = member.organization
    return SolveJob.objects.create(membership=member, model=model, **facts | changes)


def send_problem(*, token: QpuToken, by: Membership, now: datetime, **changes: object) -> Problem:
    """A problem on its way to D-Wave, which has not confirmed it yet."""
    usage = reserve(token=token, by=by, estimate_ns=1000, source="gateway", solver="Advantage_system6.4", now=now)
    words = {"endpoint": "https://example.com/sapi/v2", "type": "ising", "solver": {}, "seen_at": now} | changes
    return Problem.objects.create(usage=usage, **words)


def refuse_job(*, token: QpuToken, by: Membership, now: datetime) -> None:
    """A job that left nothing but a count, because the quota was used up."""
    why = Why(RefusedJobs.Reason.GROUP_EXHAUSTED, 1000, "Advantage_system6.4", 0)
    count([why], token=token, by=by, source="gateway", now=now)


@pytest.fixture(autouse=True)
def unthrottled() -> None:
    """What one test asks for does not count towards the next one's limits."""
    cache.clear()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A test that reads German leaves the next one alone."""
    yield
    translation.deactivate()


@pytest.fixture
def alice(db: None) -> Membership:
    return join("Acme", "alice@example.com", Role.ADMIN)


@pytest.fixture
def acme(alice: Membership) -> Organization:
    return alice.organization


@pytest.fixture
def bob(acme: Organization) -> Membership:
    return join(acme.name, "bob@example.com", Role.MEMBER)


@pytest.fixture
def charlie(db: None) -> Membership:
    return join("Globex", "charlie@example.com", Role.ADMIN)


@pytest.fixture
def lab_token(alice: Membership) -> QpuToken:
    """A group token of Acme's, for D-Wave."""
    return upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=alice)


@pytest.fixture
def bobs_token(bob: Membership) -> QpuToken:
    return upload_token(scope="personal", provider="dwave", name="mine", secret=SECRET, by=bob)


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(member): a program with a key of this member's, which may do all that the member may, or only `scopes`."""

    def client_for(member: Membership, **key: object) -> APIClient:
        raw_key = services.issue_key(name="test", by=member, now=timezone.now(), **key)[1]
        return APIClient(headers={"Luna-API-Key": raw_key})

    return client_for


@pytest.fixture
def browser() -> Callable[[Membership], Client]:
    """browser(member): a browser in which this member is signed in."""

    def client_for(member: Membership) -> Client:
        client = Client()
        client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return client_for
