"""An organization with one token and quotas, for a portal under measurement: manage.py shell -c "..." makes it."""

from django.core.management import call_command
from django.utils import timezone

from organizations.permissions import Role
from organizations.services import provide_member
from quotas.policies import MAX_NS
from quotas.services import assign_quota
from tokens.services import upload_token

TOKEN = "lab"


def open_lab() -> None:
    """Fill an empty database and print an API key. Group and user quota apply, so that each job books on both."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    admin, raw_key = provide_member(
        organization="Benchmark", email="ada@example.com", role=Role.ADMIN, key_name="benchmark"
    )
    token = upload_token(scope="group", provider="dwave", name=TOKEN, secret="DEV-not-a-real-token", by=admin)
    for member in (None, admin):
        assign_quota(token=token, member=member, quota_ns=MAX_NS // 2, by=admin, now=timezone.now())
    print(raw_key)
