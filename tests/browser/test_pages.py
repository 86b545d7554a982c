"""Every page, light and dark and on a phone: accessible, within the policy, and no wider than the screen.

With SCREENSHOTS=folder it also takes a picture of each; `./dev screenshots` does.
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from organizations import services
from organizations.models import Organization
from organizations.permissions import Role
from quotas.services import assign_quota, reserve, settle
from solving.models import UploadedModel
from tests.conftest import join, refuse_job, solved_job

from .conftest import PHONE, assert_accessible

QPU = "Advantage2_system1.6"

# Name of the page, its address, and who looks at it: alice (an admin), bob (a member), or nobody who has signed in.
PAGES = [
    ("sign-in", "/accounts/login/", None),
    ("sign-up", "/accounts/signup/", None),
    ("password-reset", "/accounts/password/reset/", None),
    ("invitation", "/invitations/{invitation.token}", None),
    ("invitation-closed", "/invitations/nonsense", None),
    ("home", "/", "zoe"),
    ("home-empty", "/", "nemo"),
    ("new-organization", "/organizations/new", "bob"),
    ("dashboard", "/o/acme", "bob"),
    ("overview", "/o/acme/overview", "alice"),
    ("jobs", "/o/acme/jobs", "bob"),
    ("jobs-empty", "/o/empty/jobs", "zoe"),
    ("everybodys-jobs", "/o/acme/jobs/everybody", "alice"),
    ("solve-jobs", "/o/acme/jobs/solve", "bob"),
    ("solve-jobs-empty", "/o/empty/jobs/solve", "zoe"),
    ("everybodys-solve-jobs", "/o/acme/jobs/solve/everybody", "alice"),
    ("solve-job", "/o/acme/jobs/solve/{solved.pk}", "bob"),
    ("solve-job-running", "/o/acme/jobs/solve/{running.pk}", "bob"),
    ("solve-job-failed", "/o/acme/jobs/solve/{failed.pk}", "bob"),
    ("solve-job-cancel", "/o/acme/jobs/solve/{running.pk}/cancel", "bob"),
    ("solve-job-delete", "/o/acme/jobs/solve/{solved.pk}/delete", "bob"),
    ("usage", "/o/acme/usage", "bob"),
    ("usage-empty", "/o/empty/usage", "zoe"),
    ("everybodys-usage", "/o/acme/usage/everybody", "alice"),
    ("usage-by-day", "/o/acme/usage/everybody?by=day&days=365", "alice"),
    ("tokens", "/o/acme/tokens", "bob"),
    ("tokens-empty", "/o/empty/tokens", "zoe"),
    ("token-upload", "/o/acme/tokens/new", "alice"),
    ("token", "/o/acme/tokens/group/lab", "bob"),
    ("token-settings", "/o/acme/tokens/group/lab/settings", "alice"),
    ("token-secret", "/o/acme/tokens/group/lab/secret", "alice"),
    ("token-delete", "/o/acme/tokens/group/lab/delete", "alice"),
    ("token-rules", "/o/acme/tokens/group/lab/rules", "alice"),
    ("quotas", "/o/acme/tokens/group/lab/quotas", "alice"),
    ("quota", "/o/acme/tokens/group/lab/quotas/members/{bob.pk}", "alice"),
    ("quota-remove", "/o/acme/tokens/group/lab/quotas/members/{bob.pk}/remove", "alice"),
    ("quotas-assign", "/o/acme/tokens/group/lab/quotas/assign", "alice"),
    ("keys", "/o/acme/keys", "bob"),
    ("keys-empty", "/o/empty/keys", "zoe"),
    ("new-key", "/o/acme/keys/new", "bob"),
    ("rename-key", "/o/acme/keys/{key.pk}/rename", "bob"),
    ("revoke-key", "/o/acme/keys/{key.pk}/revoke", "bob"),
    ("leave", "/o/acme/leave", "bob"),
    ("members", "/o/acme/members", "alice"),
    ("members-none", "/o/acme/members?search=nobody", "alice"),
    ("invite", "/o/acme/members/invite", "alice"),
    ("invitations", "/o/acme/members/invitations", "alice"),
    ("invitations-empty", "/o/empty/members/invitations", "zoe"),
    ("all-keys", "/o/acme/members/keys", "alice"),
    ("remove-member", "/o/acme/members/{bob.pk}/remove", "alice"),
    ("audit-log", "/o/acme/audit", "alice"),
    ("organization-settings", "/o/acme/settings", "alice"),
    ("close-organization", "/o/acme/close", "alice"),
    ("closed-organization", "/o/shut/closed", "zoe"),
    ("sign-in-rules", "/o/acme/settings/sign-in", "alice"),
    ("last-admin", "/o/empty/leave", "zoe"),
    ("profile", "/accounts/profile/", "bob"),
    ("delete-account", "/accounts/delete/", "bob"),
    ("delete-account-of-last-admin", "/accounts/delete/", "zoe"),
    ("email-address", "/accounts/email/", "bob"),
    ("second-factors", "/accounts/2fa/", "bob"),
    ("sessions", "/accounts/sessions/", "bob"),
    ("not-found", "/o/nowhere", "bob"),
    ("not-allowed", "/o/acme/members", "bob"),
]


@pytest.fixture
def world(alice, bob, lab_token, bobs_token, a_busy_month):
    """Acme with something on every page; Zoe, who alone administers an empty organization; Nemo, who has none."""
    now = timezone.now()
    for member, name in ((alice, "Alice Admin"), (bob, "Bob Baker")):
        member.user.first_name, member.user.last_name = name.split()
        member.user.save()
    people = {"alice": alice, "bob": bob, "zoe": join("Empty", "zoe@example.com", Role.ADMIN)}
    join("Second Lab", "zoe@example.com", Role.MEMBER)
    Organization.objects.filter(pk=join("Shut", "zoe@example.com", Role.ADMIN).organization_id).update(closed_at=now)
    people["zoe"].keys.all().delete()
    people["nemo"] = join("Gone", "nemo@example.com", Role.MEMBER)
    people["nemo"].delete()
    for number in range(4):
        join("Acme", f"member{number}@a-rather-long-domain-name.example.com", Role.MEMBER)
    assign_quota(token=lab_token, member=None, quota_ns=60 * 10**9, by=alice, now=now)
    assign_quota(token=lab_token, member=bob, quota_ns=10 * 10**9, by=alice, now=now)
    for cost_ns in (4_100_000_000, None):
        usage = reserve(token=lab_token, by=bob, estimate_ns=1_500_000_000, source="gateway", now=now)
        if cost_ns:
            settle(usage=usage, access_time_ns=cost_ns, now=now)
    refuse_job(token=lab_token, by=bob, now=now)
    refuse_job(token=lab_token, by=alice, now=now)
    invitation, *_ = services.invite_all(
        emails=["dora@example.com", "emil@example.com"], role=Role.MEMBER, by=alice, now=now
    )
    key, _ = services.issue_key(name="thesis notebook", by=bob, now=now, scopes=["read", "run"])
    services.revoke_key(key=services.issue_key(name="old laptop", by=bob, now=now)[0], by=bob, now=now)
    return {**people, "invitation": invitation, "key": key, **some_solve_jobs(bob, lab_token, now)}


def some_solve_jobs(member, token, now):
    """One that has run on a QPU, one that runs, and one that has failed."""
    usage = reserve(token=token, by=member, estimate_ns=40_000_000, source="solve_job", solver=QPU, now=now)
    settle(usage=usage, access_time_ns=15_148_020, now=now)
    solved = solved_job(
        member,
        name="Shifts of next week",
        solver="QA",
        usage=usage,
        qpu=QPU,
        parameters={"num_reads": 100, "annealing_time": 20.0, "anneal_schedule": [[0, 0], [20, 1]]},
        created_at=now,
        started_at=now + timedelta(milliseconds=180),
        ended_at=now + timedelta(seconds=2),
        summary={"best": -1234.56789, "feasible": 83, "samples": 100},
        runtime_ns=15_148_020,
    )
    UploadedModel.objects.update(facts={"name": "shifts", "num_variables": 120, "num_constraints": 14})
    open_ = {"ended_at": None, "result": None, "summary": {}, "status": "IN_PROGRESS", "stage": "Solving."}
    ended = {"result": None, "summary": {}, "status": "FAILED", "error_message": "The model has no variables."}
    return {"solved": solved, "running": solved_job(member, **open_), "failed": solved_job(member, **ended)}


@pytest.mark.parametrize(("name", "address", "visitor"), PAGES, ids=[name for name, _, _ in PAGES])
def test_page(name, address, visitor, world, page, sign_in):
    if visitor:
        sign_in(world[visitor])
    page.goto(address.format(**world))

    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert_accessible(page)
        picture(page, f"{name}-{theme}")

    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    assert_fits(page)
    picture(page, f"{name}-phone")


def test_german_words_fit_a_phone_too(world, page, context, sign_in, live_server):
    context.add_cookies([{"name": "django_language", "value": "de", "url": live_server.url}])
    page.set_viewport_size(PHONE)
    for _, address, visitor in PAGES:
        context.clear_cookies(name="sessionid")
        if visitor:
            sign_in(world[visitor])
        page.goto(address.format(**world))
        assert page.locator("html").get_attribute("lang") == "de"
        assert_fits(page)


def assert_fits(page: Page) -> None:
    """Nobody has to scroll sideways."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], f"{page.url} is {width} px wide"


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
