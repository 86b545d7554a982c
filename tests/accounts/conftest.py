import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine
from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from accounts.models import User

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def no_rate_limits_from_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada(db: None) -> User:
    """Ada has a password and a confirmed address, and belongs to no organization."""
    user = User.objects.create_user("ada@example.com", PASSWORD, first_name="Ada", last_name="Lovelace")
    user.trust_email()
    return user


@pytest.fixture
def grace(db: None) -> User:
    """Grace is an operator."""
    return User.objects.create_superuser("grace@example.com", PASSWORD)


@pytest.fixture
def sign_in(client: Client) -> Callable[..., HttpResponse]:
    """sign_in(email, password): post the form, and follow where it leads."""

    def post(email: str, password: str = PASSWORD, **extra: str) -> HttpResponse:
        data = {"login": email, "password": password}
        return client.post("/accounts/login/", data, follow=True, **extra)

    return post


@pytest.fixture
def confirm_identity(client: Client) -> Callable[[], None]:
    """What allauth asks for before it lets people change how they sign in."""

    def post() -> None:
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    return post


@pytest.fixture
def stopped_clock() -> Iterator[None]:
    """A code that is good when it is made is good when it is entered."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def link_in(mail: object) -> str:
    """The path of the only link in a mail."""
    (path,) = re.findall(r"^https?://[^/\s]+(/\S+)$", mail.body, re.MULTILINE)
    return path


def hold_invitation(client: Client, email: str) -> None:
    """What following an invitation's link does."""
    session = client.session
    get_adapter().stash_verified_email(SimpleNamespace(session=session), email)
    session.save()
