from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.core.cache.backends.db import DatabaseCache
from django.core.management import call_command

from accounts.models import User
from lunaportal.settings import CACHES

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def no_rate_limits_from_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def with_password() -> Callable[[User], User]:
    """with_password(user): who can sign in with PASSWORD."""

    def give(user: User) -> User:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        return user

    return give


@pytest.fixture
def shared_cache(settings, db) -> DatabaseCache:
    """The cache as it is by default, which all processes share."""
    settings.CACHES = CACHES
    call_command("createcachetable", verbosity=0)
    return cache
