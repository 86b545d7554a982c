"""Admins set quotas for the group, for one member in place, and for many at once; in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from quotas.models import TimeQuotaPolicy
from tests.conftest import join

from .conftest import PHONE, assert_accessible

SECOND = 10**9
QUOTAS = "/o/acme/tokens/group/lab/quotas"


@pytest.fixture
def students(alice, lab_token):
    return [join("Acme", f"student{number:02}@example.com", "member") for number in range(30)]


def quotas():
    return dict(TimeQuotaPolicy.objects.values_list("member__user__email", "quota_ns"))


def test_thirty_students_get_ten_seconds_each_in_four_clicks(page, sign_in, alice, students):
    emails = [student.user.email for student in students]
    sign_in(alice)
    page.goto("/o/acme/tokens/group/lab")  # where the upload leads to

    page.get_by_role("link", name="Quotas").click()
    page.get_by_role("link", name="Assign to many").click()
    assert_accessible(page)
    page.get_by_label("Email addresses").fill("\n".join(emails))
    page.get_by_label("QPU time for each").fill("10 s")
    page.get_by_role("button", name="Check the list").click()
    expect(page.get_by_role("heading", name="30 quotas change")).to_be_visible()
    assert_accessible(page)
    assert quotas() == {}
    page.get_by_role("button", name="Set 30 quotas").click()

    expect(page.get_by_text("30 quotas are set.")).to_be_visible()
    assert quotas() == dict.fromkeys(emails, 10 * SECOND)
    assert_accessible(page)


def test_who_is_no_member_yet_is_invited_from_there(page, sign_in, alice, lab_token):
    sign_in(alice)
    page.goto(f"{QUOTAS}/assign")
    page.get_by_label("Email addresses").fill("dora@example.com\nalice@example.com\nnobody")
    page.get_by_label("QPU time for each").fill("10 s")
    page.get_by_role("button", name="Check the list").click()

    expect(page.get_by_text("There is no email address in this line.")).to_be_visible()
    page.get_by_role("button", name="Invite 1 person").click()

    expect(page.get_by_role("button", name="Send 1 invitation")).to_be_visible()
    expect(page.get_by_label("Email addresses")).to_have_value("dora@example.com")


def test_a_quota_is_changed_in_place(page, sign_in, alice, students):
    sign_in(alice)
    page.goto(QUOTAS)
    field = page.get_by_role("textbox", name="Quota of student05@example.com")

    field.fill("30")
    field.press("Enter")
    expect(page.get_by_text("30 of what?")).to_be_visible()
    expect(field).to_have_value("30")
    assert_accessible(page)
    field.fill("30 s")
    field.press("Enter")

    expect(page.get_by_text("student05@example.com may spend 30 s.")).to_be_visible()
    expect(page).to_have_url(re.compile(f"{QUOTAS}$"))
    page.get_by_role("textbox", name="Quota of student06@example.com").fill("1 min")
    page.get_by_role("textbox", name="Quota of student07@example.com").click()  # leaving the field is enough
    expect(page.get_by_text("student06@example.com may spend 1 min.")).to_be_visible()
    assert quotas() == {"student05@example.com": 30 * SECOND, "student06@example.com": 60 * SECOND}


def test_the_groups_quota_is_a_meter(page, sign_in, alice, lab_token):
    sign_in(alice)
    page.goto(QUOTAS)

    page.get_by_label("QPU time").fill("1 h")
    page.get_by_role("button", name="Set").click()

    expect(page.get_by_text("1 h left of 1 h")).to_be_visible()
    page.get_by_role("link", name="Days and more").click()
    assert_accessible(page)
    page.get_by_label("Last day").fill("2099-12-31")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Members")).to_be_visible()
    assert TimeQuotaPolicy.objects.get(member=None).ends_at == datetime(2100, 1, 1, tzinfo=UTC)


def test_ticked_members_are_changed_and_removed_together(page, sign_in, alice, students):
    sign_in(alice)
    page.goto(QUOTAS)
    bar = page.get_by_role("form", name="For all who are ticked")
    expect(bar).to_be_hidden()

    for number in ("03", "04"):
        page.get_by_label(f"Tick student{number}@example.com").check()
    bar.get_by_label("For all who are ticked").fill("5 s")
    assert_accessible(page)
    bar.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Set 2 quotas").click()
    expect(page.get_by_text("2 quotas are set.")).to_be_visible()

    page.get_by_label("Tick student03@example.com").check()
    bar.get_by_role("button", name="Remove their quotas").click()
    assert_accessible(page)
    page.get_by_role("button", name="Remove them").click()
    expect(page.get_by_text("1 quota is removed.")).to_be_visible()
    assert quotas() == {"student04@example.com": 5 * SECOND}


def test_the_list_is_searched_while_typing_and_fits_a_phone(page, sign_in, alice, students):
    sign_in(alice)
    page.set_viewport_size(PHONE)
    page.goto(QUOTAS)

    page.get_by_label("Search by name or address").press_sequentially("student07")
    expect(page.get_by_role("textbox", name="Quota of student07@example.com")).to_be_visible()
    expect(page.get_by_role("textbox", name="Quota of student06@example.com")).to_have_count(0)
    expect(page).to_have_url(re.compile("search=student07"))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_all_of_it_works_without_javascript(chromium, context, live_server, sign_in, alice, students):
    sign_in(alice)
    plain = chromium.new_context(
        base_url=live_server.url, java_script_enabled=False, storage_state=context.storage_state()
    )
    page = plain.new_page()
    page.goto(f"{QUOTAS}?search=student05")

    field = page.get_by_role("textbox", name="Quota of student05@example.com")
    field.fill("30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("30 of what?")).to_be_visible()
    field.fill("30 s")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("student05@example.com may spend 30 s.")).to_be_visible()

    page.get_by_label("Tick student05@example.com").check()
    page.get_by_label("For all who are ticked").get_by_role("textbox").fill("1 min")
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Set 1 quota").click()
    expect(page.get_by_text("1 quota is set.")).to_be_visible()
    plain.close()
    assert quotas() == {"student05@example.com": 60 * SECOND}
