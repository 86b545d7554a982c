"""The demo organization: somebody to sign in as, tokens, quotas and a month of jobs. All of it made by the services."""

import json
import os
import random
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from organizations import services as organizations
from organizations.models import Membership, Organization
from organizations.permissions import Role
from quotas import services as quotas
from quotas.models import Usage
from tokens.models import QpuToken
from tokens.services import upload_token

ORGANIZATION = "Demo Lab"
PEOPLE = [
    ("Ada", "Admin", "ada@example.com", Role.ADMIN),
    ("Max", "Member", "max@example.com", Role.MEMBER),
    ("Mia", "Member", "mia@example.com", Role.MEMBER),
]
SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Login:
    """How to come in as one of the demo's people."""

    role: str
    email: str
    password: str
    api_key: str


@dataclass(frozen=True)
class Demo:
    """What `./dev up` tells about the demo. Keys and passwords are in no database: they are kept in var/demo.json."""

    logins: list[Login]

    @staticmethod
    def path() -> Path:
        return settings.BASE_DIR / "var/demo.json"

    def save(self) -> None:
        with os.fdopen(os.open(self.path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)

    @classmethod
    def saved(cls) -> Self | None:
        """The demo that is in the database, if there is one."""
        if not cls.path().exists():
            return None
        logins = [Login(**login) for login in json.loads(cls.path().read_text())["logins"]]
        return cls(logins) if User.objects.filter(email__in=[login.email for login in logins]).exists() else None


@transaction.atomic
def load() -> Demo | None:
    """Fill an empty database with the demo. None, and nothing done, if there is anybody in it."""
    if User.objects.exists() or Organization.objects.exists():
        return None
    now = timezone.now()
    people = [join(*person) for person in PEOPLE]
    ada, max_, mia = (membership for membership, _ in people)
    lab = upload(ada, "group", "lab-token", "dwave")
    upload(ada, "group", "ibm-heron", "ibm")
    upload(max_, "personal", "my-token", "dwave")
    window: dict[str, Any] = {
        "start": now - timedelta(days=30),
        "end": now + timedelta(days=335),
        "by": ada,
        "now": now,
    }
    quotas.assign_quota(token=lab, member=None, quota_ns=60 * SECOND_NS, **window)
    quotas.assign_quota(token=lab, member=max_, quota_ns=10 * SECOND_NS, **window)
    quotas.assign_quota(token=lab, member=mia, quota_ns=5 * SECOND_NS, **window)
    spend(lab, [ada, max_, mia], now)
    return Demo([login for _, login in people])


def join(first_name: str, last_name: str, email: str, role: Role) -> tuple[Membership, Login]:
    membership, api_key = organizations.provide_member(
        organization=ORGANIZATION, email=email, role=role, key_name="demo"
    )
    password = secrets.token_urlsafe(12)
    user = membership.user
    user.first_name, user.last_name = first_name, last_name
    user.set_password(password)
    user.save(update_fields=["first_name", "last_name", "password"])
    return membership, Login(role, email, password, api_key)


def upload(by: Membership, scope: str, name: str, provider: str) -> QpuToken:
    secret = f"DEMO-{secrets.token_hex(20)}"
    return upload_token(scope=scope, provider=provider, name=name, secret=secret, by=by)


def spend(token: QpuToken, members: list[Membership], now: datetime) -> None:
    """A month of jobs of 10 to 200 ms, the same in every demo."""
    chance = random.Random(1)  # noqa: S311  nothing secret hangs on it
    for day in range(30, 0, -1):
        for _ in range(chance.randint(0, 4)):
            at = now - timedelta(days=day, seconds=-chance.randint(3600, 80_000))
            estimate_ns = chance.randint(10_000, 200_000) * 1000
            usage = quotas.reserve(
                token=token,
                by=chance.choice(members),
                estimate_ns=estimate_ns,
                source=Usage.Source.GATEWAY,
                solver="Advantage_system6.4",
                now=at,
            )
            spent_ns = estimate_ns * chance.randint(88, 97) // 1000 * 10
            quotas.settle(usage=usage, access_time_ns=spent_ns, now=at + timedelta(seconds=2))
