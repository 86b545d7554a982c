"""What is read costs the same number of queries however much there is, and no query looks beyond the tenant."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from gateway.models import Problem
from organizations import services
from organizations.models import ApiKey, Membership
from organizations.permissions import Role
from quotas.services import assign_quota
from tests.conftest import SECRET, join, refuse_job, send_problem, solved_job
from tokens.models import QpuToken
from tokens.services import upload_token

FEW, MANY = 3, 60
MOST_QUERIES = {
    "/o/acme": 11,  # these two bring much together
    "/o/acme/overview": 17,
    "/o/acme/close": 10,  # in these, allauth looks for each kind of second factor that could confirm who is there
    "/accounts/delete/": 10,
}

READABLE = [path for path, methods in SchemaGenerator().get_schema(public=True)["paths"].items() if "get" in methods]
PAGES = [
    "/",
    "/o/{organization}",
    "/o/{organization}/keys",
    "/o/{organization}/keys/new",
    "/o/{organization}/keys/{key_id}/rename",
    "/o/{organization}/keys/{key_id}/revoke",
    "/o/{organization}/members",
    "/o/{organization}/members/{other_id}/remove",
    "/o/{organization}/members/keys",
    "/o/{organization}/members/invite",
    "/o/{organization}/members/invitations",
    "/o/{organization}/tokens",
    "/o/{organization}/tokens/new",
    "/o/{organization}/tokens/personal/{name}",
    "/o/{organization}/tokens/group/{name}",
    "/o/{organization}/tokens/group/{name}/settings",
    "/o/{organization}/tokens/group/{name}/rules",
    "/o/{organization}/tokens/group/{name}/delete",
    "/o/{organization}/tokens/group/{name}/quotas",
    "/o/{organization}/tokens/group/{name}/quotas?order=-left",
    "/o/{organization}/tokens/group/{name}/quotas?kind=ending",
    "/o/{organization}/tokens/group/{name}/quotas/group",
    "/o/{organization}/tokens/group/{name}/quotas/members/{other_id}",
    "/o/{organization}/tokens/group/{name}/quotas/members/{other_id}/remove",
    "/o/{organization}/tokens/group/{name}/quotas/assign",
    "/o/{organization}/overview",
    "/o/{organization}/jobs",
    "/o/{organization}/jobs/everybody",
    "/o/{organization}/jobs/solve",
    "/o/{organization}/jobs/solve/everybody",
    "/o/{organization}/jobs/solve/{job_id}",
    "/o/{organization}/jobs/solve/{job_id}/cancel",
    "/o/{organization}/jobs/solve/{job_id}/delete",
    "/o/{organization}/usage",
    "/o/{organization}/usage/everybody?by=solver",
    "/o/{organization}/audit",
    "/o/{organization}/settings",
    "/o/{organization}/settings/sign-in",
    "/o/{organization}/leave",
    "/o/{organization}/close",
]
# Of one person, whatever the organization.
ACCOUNT = [
    "/accounts/profile/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/delete/",
]
OF_ALL = [
    f"/api/v1/organizations/{{organization}}/{what}?of=organization" for what in ("usage", "problems", "refusals")
]


@pytest.fixture(autouse=True)
def plain_sessions(settings):
    """Nothing of how people sign in is counted."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "usersessions" not in name]


def fill(admin: Membership, start: int, stop: int) -> None:
    """Rows of every kind, numbered, for the admin's organization and for the admin."""
    now, organization = timezone.now(), admin.organization.name
    lab = QpuToken.objects.get(organization=admin.organization, name="lab")
    for number in range(start, stop):
        member = join(organization, f"user{number}@{organization}.example.com", Role.MEMBER)
        services.invite_all(emails=[f"guest{number}@example.com"], role=Role.MEMBER, by=admin, now=now)
        services.issue_key(name=f"key {number}", by=admin, now=now)
        for scope in ("group", "personal"):
            upload_token(scope=scope, provider="dwave", name=f"token {number}", secret=SECRET, by=admin)
        assign_quota(token=lab, member=member, quota_ns=10**9, by=admin, now=now, end=now + timedelta(days=5))
        other = QpuToken.objects.get(organization=admin.organization, name=f"token {number}")
        assign_quota(token=other, member=admin, quota_ns=10**9, by=admin, now=now)
        solved_job(admin)
        send_problem(token=lab, by=admin, now=now)
        refuse_job(token=other, by=member, now=now)
        refuse_job(token=other, by=admin, now=now)


@pytest.fixture
def world(alice, lab_token, charlie):
    """Acme and Globex with few rows of everything; Alice is the admin who looks."""
    now = timezone.now()
    upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
    upload_token(scope="personal", provider="dwave", name="lab", secret=SECRET, by=alice)
    for member in (None, alice):
        assign_quota(token=lab_token, member=member, quota_ns=10**12, by=alice, now=now)
    fill(alice, 0, FEW)
    fill(charlie, 0, FEW)
    return {
        "organization": "acme",
        "name": "lab",
        "email": "alice@example.com",
        "member_id": alice.pk,
        "other_id": alice.organization.memberships.exclude(pk=alice.pk).first().pk,
        "problem_id": Problem.objects.filter(usage__user_id=alice.user_id).first().pk,
        "key_id": alice.keys.first().pk,
        "model_id": alice.models.first().pk,
        "job_id": alice.solve_jobs.first().pk,
        "invitation_id": alice.organization.invitations.first().pk,
    }


def queries(client, url) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(url)
    assert response.status_code in {200, 302}, (url, response.content)
    return [query["sql"] for query in captured if not re.match("SAVEPOINT|RELEASE", query["sql"])]


def urls(world):
    paths = [*READABLE, *OF_ALL]
    return [path.format(**world) + ("&" if "?" in path else "?") + "limit=100" for path in paths]


def test_the_number_of_rows_does_not_matter(world, api, browser, alice, charlie):
    program, page = api(alice), browser(alice)
    program.get(urls(world)[0])  # notes the use of the key
    ApiKey.objects.update(last_used_at=timezone.now() + timedelta(hours=1))

    def counts():
        found = {url: queries(program, url) for url in urls(world)}
        return found | {url: queries(page, url) for url in [path.format(**world) for path in PAGES + ACCOUNT]}

    few = counts()
    fill(alice, FEW, MANY)
    fill(charlie, FEW, MANY)
    many = counts()
    for url, asked in few.items():
        assert len(many[url]) == len(asked) <= MOST_QUERIES.get(url, 8), (url, many[url])


# Tables whose rows belong to somebody, and the columns that say to whom, straight or by way of a row that does.
TENANTS = {
    "organizations_organization": ["slug", "id"],
    "organizations_membership": ["organization_id", "user_id", "id"],
    "organizations_invitation": ["organization_id"],
    "organizations_apikey": ["membership_id", "digest"],
    "tokens_qputoken": ["organization_id", "owner_id"],
    "quotas_timequotapolicy": ["token_id", "member_id"],
    "quotas_usage": ["organization_id", "user_id"],
    "quotas_dailyusage": ["organization_id", "user_id"],
    "quotas_usagerollup": ["organization_id"],
    "quotas_refusedjobs": ["organization_id", "user_id"],
    "gateway_tokenrules": ["token_id"],
    "audit_event": ["organization_id"],
    "solving_uploadedmodel": ["membership_id"],
    "solving_solvejob": ["membership_id"],
}


def test_no_query_looks_beyond_the_tenant(world, api, browser, alice):
    program, page = api(alice), browser(alice)
    asked = [sql for url in urls(world) for sql in queries(program, url)]
    asked += [sql for path in PAGES for sql in queries(page, path.format(**world))]
    seen = set()
    for sql in asked:
        table = re.search(r'^SELECT .*? FROM "(\w+)"', sql)
        if table and table[1] in TENANTS:
            seen.add(table[1])
            _, _, where = sql.partition(" WHERE ")
            # In the query itself, or in one for the ids of the same table.
            names = rf'"{table[1]}"|(?<=FROM "{table[1]}" U0 WHERE )\(?(?:NOT U0."is_inline" AND )?U0'
            narrowed = [rf'(?:{names})\."{column}" (=|IN)' for column in TENANTS[table[1]]]
            assert re.search("|".join(narrowed), where) or '"digest" =' in where, sql
    assert seen >= TENANTS.keys() - {"organizations_organization"}
