"""An organization with one token and quotas, for a portal under measurement: manage.py shell -c "..." makes it."""

import json
from datetime import timedelta
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from organizations.models import ApiKey, Membership
from organizations.permissions import Role
from organizations.services import provide_member
from quotas import rollups
from quotas.models import TimeQuotaPolicy
from quotas.policies import MAX_NS
from quotas.services import assign_quota
from tokens.models import QpuToken
from tokens.services import upload_token

TOKEN = "lab"
TOKENS = 10  # of a company


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
    add_tokens(admin, tokens)
    print(json.dumps({"api_key": raw_key}))


def add_tokens(admin: Membership, number: int) -> None:
    names = [TOKEN, *(f"token {other}" for other in range(1, number))]
    for name in names:
        upload_token(scope="group", provider="dwave", name=name, secret=f"DEV-secret of {name}", by=admin)
    lab = QpuToken.objects.get(name=TOKEN)
    for member in (None, admin):
        assign_quota(token=lab, member=member, quota_ns=MAX_NS // 2, by=admin, now=timezone.now())


def give_tokens(number: int) -> None:
    """Give the organization that is there already so many group tokens, with quotas on the first."""
    add_tokens(Membership.objects.select_related("user", "organization").get(), number)


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


def open_company(members: int, jobs: int) -> None:
    """Fill an empty database on PostgreSQL with a year of an organization; print an API key and a session as well."""
    admin, raw_key = open_organization()
    add_tokens(admin, TOKENS)
    people = User.objects.bulk_create(User(email=f"member{number}@example.com") for number in range(2, members + 1))
    joined = Membership.objects.bulk_create(Membership(user=one, organization=admin.organization) for one in people)
    keys = {"hint": "luna_", "scopes": ["read"]}
    ApiKey.objects.bulk_create(
        ApiKey(membership=one, name=f"key {number}", digest=f"{one.pk} {number}", **keys)
        for one in [admin, *joined]
        for number in range(50 if one == admin else 2)
    )
    lab, window = QpuToken.objects.get(name=TOKEN), TimeQuotaPolicy.objects.of_group().get().window
    TimeQuotaPolicy.objects.bulk_create(
        TimeQuotaPolicy(token=lab, member=one, quota_ns=MAX_NS // 2, starts_at=window.starts_at, ends_at=window.ends_at)
        for one in joined
    )
    write_history(members, jobs)
    browser = Client()
    browser.force_login(admin.user, "allauth.account.auth_backends.AuthenticationBackend")
    print(json.dumps({"api_key": raw_key, "session": browser.cookies["sessionid"].value}))


def write_history(members: int, jobs: int) -> None:
    """Run history.sql, without what slows rows down that are right anyway: foreign keys, and indexes meanwhile."""
    sql = Path(__file__).with_name("history.sql").read_text()
    for word, number in {"JOBS": jobs, "MEMBERS": members, "TOKENS": TOKENS}.items():
        sql = sql.replace(word, str(number))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(INDEXES)
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute(sql)
        for _name, definition in indexes:
            cursor.execute(definition)
        rollups.rebuild()
        cursor.execute("VACUUM ANALYZE")


# Those that no constraint needs.
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename IN ('quotas_usage', 'gateway_problem', 'solving_solvejob', 'audit_event')
        AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
