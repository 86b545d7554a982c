"""An organization with one token and quotas, for a portal under measurement: manage.py shell -c "..." makes it."""

import json
from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from organizations.models import Membership
from organizations.permissions import Role
from organizations.services import provide_member
from quotas.models import TimeQuotaPolicy
from quotas.policies import MAX_NS
from quotas.services import assign_quota
from tokens.models import QpuToken
from tokens.services import upload_token

TOKEN = "lab"


EMAIL = "ada@example.com"


def open_organization() -> tuple[Membership, str]:
    """Prepare an empty database. Returns an admin and their API key."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    return provide_member(organization="Benchmark", email=EMAIL, role=Role.ADMIN, key_name="benchmark")


def open_lab(tokens: int = 1) -> None:
    """Fill an empty database and print an API key. Group and user quota apply, so that each job books on both.

    Of several tokens all but one are without quotas.
    """
    admin, raw_key = open_organization()
    token = upload_token(scope="group", provider="dwave", name=TOKEN, secret="DEV-not-a-real-token", by=admin)
    for member in (None, admin):
        assign_quota(token=token, member=member, quota_ns=MAX_NS // 2, by=admin, now=timezone.now())
    for number in range(1, tokens):
        upload_token(scope="group", provider="dwave", name=f"token {number}", secret=f"DEV-secret-{number}", by=admin)
    print(json.dumps({"api_key": raw_key}))


def open_ledger(policies: int) -> None:
    """Fill an empty database with so many group tokens, each with a group quota that has the same id."""
    admin, raw_key = open_organization()
    now = timezone.now()
    shared = {"organization": admin.organization, "provider": "dwave", "secret": "DEV-not-a-real-token"}
    tokens = QpuToken.objects.bulk_create(QpuToken(name=f"token {number}", **shared) for number in range(policies))
    window = {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=365)}
    TimeQuotaPolicy.objects.bulk_create(
        TimeQuotaPolicy(pk=token.pk, token=token, quota_ns=MAX_NS // 2, **window) for token in tokens
    )
    print(json.dumps({"api_key": raw_key}))
