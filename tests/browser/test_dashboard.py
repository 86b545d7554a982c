"""The first page of a member, the overview of an admin, and jobs as they come and go."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from organizations.permissions import Role
from quotas import services
from quotas.models import Usage
from tests.conftest import join, send_problem
from tokens.models import QpuToken

from .conftest import PHONE, assert_accessible
from .test_pages import picture


@pytest.fixture
def a_busy_lab(alice, bob, lab_token, bobs_token):
    """Quotas that began three weeks ago and a month of jobs; one is open."""
    now = timezone.now()
    start = now - timedelta(days=21)
    for member, seconds in ((None, 30), (bob, 4)):
        services.assign_quota(
            token=lab_token, member=member, quota_ns=seconds * 10**9, start=start, by=alice, now=start
        )
    for number in range(20, 0, -1):
        at = now - timedelta(days=number)
        for member, token, cost_ns in (
            (alice, lab_token, 90_000_000 * (3 + (number * 7) % 11)),
            (bob, lab_token, 15_148_020 * (1 + (number * 5) % 13)),
            (bob, bobs_token, 40_000_000),
        ):
            usage = services.reserve(
                token=token, by=member, estimate_ns=cost_ns, source="gateway", solver="Advantage_system6.4", now=at
            )
            services.settle(usage=usage, access_time_ns=cost_ns, now=at)
    QpuToken.objects.filter(pk=lab_token.pk).update(works=False)
    return send_problem(
        token=lab_token, by=bob, now=now, upstream_id="abc", status="IN_PROGRESS", label="knapsack, third try"
    )


def test_a_member_sees_what_is_left_and_what_has_run(page, sign_in, a_busy_lab, bob):
    sign_in(bob)
    page.goto("/o/acme")

    expect(page.get_by_text("Your own quota decides: it leaves less.")).to_be_visible()
    page.get_by_role("link", name="All your jobs").click()
    row = page.get_by_role("row").filter(has_text="knapsack, third try")
    expect(row.get_by_text("running")).to_be_visible()

    services.settle(usage=a_busy_lab.usage, access_time_ns=15_148_020, now=timezone.now())

    expect(row.get_by_text("done")).to_be_visible()
    expect(row.get_by_text("15.1 ms")).to_be_visible()


def test_cancelling_a_job_says_first_what_it_means(page, sign_in, a_busy_lab, alice):
    sign_in(alice)
    page.goto("/o/acme/jobs/everybody?state=open")

    page.get_by_role("link", name=f"Cancel job {a_busy_lab.pk}").click()
    expect(page.get_by_text("it never runs and costs nothing")).to_be_visible()
    page.get_by_role("link", name="Keep it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    assert Usage.objects.get(pk=a_busy_lab.pk).status == "reserved"


def test_what_wants_attention_leads_to_where_it_is_mended(page, sign_in, a_busy_lab, alice):
    sign_in(alice)
    page.goto("/o/acme")

    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("At this pace gone on")).to_be_visible()
    page.get_by_role("link", name="Show who").click()

    expect(page.get_by_role("row").filter(has_text="bob@example.com")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "address", "visitor"),
    [
        ("dashboard-busy", "/o/acme", "bob"),
        ("dashboard-empty", "/o/empty", "zoe"),
        ("overview", "/o/acme/overview", "alice"),
        ("overview-empty", "/o/empty/overview", "zoe"),
        ("jobs", "/o/acme/jobs", "bob"),
        ("jobs-everybody", "/o/acme/jobs/everybody", "alice"),
        ("jobs-empty", "/o/empty/jobs", "zoe"),
        ("cancel-job", "/o/acme/jobs/{job}/cancel", "bob"),
    ],
)
def test_it_is_readable_for_all(page, sign_in, a_busy_lab, alice, bob, name, address, visitor):
    zoe = join("Empty", "zoe@example.com", Role.ADMIN)
    sign_in({"alice": alice, "bob": bob, "zoe": zoe}[visitor])
    page.goto(address.format(job=a_busy_lab.pk))

    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert_accessible(page)
        picture(page, f"{name}-{theme}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "wider than a phone"
    picture(page, f"{name}-phone")
