"""An organization with one token and quotas, for a portal under measurement: manage.py shell -c "..." makes it."""

import json

from django.core.management import call_command
from django.utils import timezone

from organizations.models import Membership
from organizations.permissions import Role
from organizations.services import provide_member
from quotas.policies import MAX_NS
from quotas.services import assign_quota
from tokens.services import upload_token

TOKEN = "lab"


def open_lab(tokens: int = 1) -> Membership:
    """Fill an empty database and print an API key. Group and user quota apply, so that each job books on both.

    Of several tokens all but one are without quotas.
    """
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    admin, raw_key = provide_member(
        organization="Benchmark", email="ada@example.com", role=Role.ADMIN, key_name="benchmark"
    )
    token = upload_token(scope="group", provider="dwave", name=TOKEN, secret="DEV-not-a-real-token", by=admin)
    for member in (None, admin):
        assign_quota(token=token, member=member, quota_ns=MAX_NS // 2, by=admin, now=timezone.now())
    for number in range(1, tokens):
        upload_token(scope="group", provider="dwave", name=f"token {number}", secret=f"DEV-secret-{number}", by=admin)
    print(json.dumps({"api_key": raw_key}))
    return admin
