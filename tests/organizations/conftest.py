import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection

from accounts.models import User
from audit.models import Event
from organizations import services
from organizations.models import Membership
from organizations.permissions import Role

ACME = "/api/v1/organizations/acme"


@pytest.fixture(autouse=True)
def no_rate_limits_from_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def add_member(email: str, organization: str = "Acme", role: str = Role.MEMBER) -> Membership:
    return services.provide_member(organization=organization, email=email, role=role, key_name="first")[0]


def add_user(email: str) -> User:
    """Somebody with a confirmed address who belongs to no organization."""
    user = User.objects.create_user(email)
    user.trust_email()
    return user


def audited(action: Event.Action) -> list[Event]:
    return list(Event.objects.with_action(action).order_by("id"))


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What the calls return, or the exceptions that they raise, when threads make them at the same time."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        try:
            start.wait(timeout=10)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
