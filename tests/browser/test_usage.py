"""Usage: an admin finds out who has used what, and takes the ledger home."""

import pytest
from django.utils import timezone

from .conftest import PHONE, assert_accessible
from .test_pages import picture


def test_an_admin_finds_out_who_has_used_what(page, sign_in, a_busy_month, alice):
    sign_in(alice)
    page.goto("/o/acme")

    page.get_by_role("link", name="Usage", exact=True).click()
    page.get_by_role("link", name="Everybody's").click()
    page.get_by_role("link", name="90 days").click()
    page.get_by_role("link", name="bob@example.com").click()

    assert page.get_by_label("Member").input_value() == "bob@example.com"
    assert page.get_by_role("row", name="lab").get_by_role("cell").nth(2).inner_text() == "29"
    page.get_by_text("Show as a table").click()
    assert page.get_by_role("row", name=f"{timezone.now():%-d %b %Y}").is_visible()


def test_what_is_exported_is_what_is_shown(page, sign_in, a_busy_month, alice):
    sign_in(alice)
    page.goto("/o/acme/usage/everybody")

    with page.expect_download() as download:
        page.get_by_role("link", name="Export jobs as CSV").click()

    assert download.value.suggested_filename.startswith("acme-usage-")
    assert download.value.path().read_text().count("settled") == 2 * 29


@pytest.mark.parametrize("address", ["usage", "usage/everybody", "usage/everybody?by=day&days=365"])
def test_it_is_readable_for_all(page, sign_in, a_busy_month, alice, bob, address):
    sign_in(bob if address == "usage" else alice)
    page.goto(f"/o/acme/{address}")
    name = address.replace("/", "-").partition("?")[0] + ("-by-day" if "?" in address else "")

    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert_accessible(page)
        picture(page, f"{name}-{theme}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "wider than a phone"
    picture(page, f"{name}-phone")
