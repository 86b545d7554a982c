"""People upload, use, test, replace and delete tokens; in a real browser, against an emulated D-Wave."""

import pytest
from playwright.sync_api import Page, expect

from emulator.app import make_app
from emulator.server import running
from tests.conftest import SECRET
from tokens.models import QpuToken

from .conftest import assert_accessible

OTHER_SECRET = "DEV-other-0123456789abcdef-secret"


@pytest.fixture(scope="module")
def dwave_server():
    with running(make_app([SECRET])) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def dwave(dwave_server, settings):
    settings.DWAVE_UPSTREAM_ENDPOINT = f"{dwave_server.endpoint}/"


def upload(page: Page, name: str, secret: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Secret token").fill(secret)
    page.get_by_role("button", name="Upload", exact=True).click()


def test_an_admin_uploads_a_token_for_the_group_and_sees_how_to_use_it(page, sign_in, alice):
    sign_in(alice)
    page.goto("/o/acme/tokens")
    page.get_by_role("link", name="Upload your first token").click()
    assert_accessible(page)

    upload(page, "a/b", SECRET)
    expect(page.get_by_text("A name cannot contain")).to_be_visible()
    expect(page.get_by_label("Secret token")).to_have_value("")
    assert_accessible(page)
    upload(page, "lab", SECRET)

    expect(page.get_by_text("D-Wave accepts this token")).to_be_visible()
    assert_accessible(page)
    page.locator(".snippet", has=page.locator("#ocean-shell")).get_by_role("button").click()
    assert "/dwave/shared/lab/sapi/v2\n" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("link", name="Make an API key").click()
    expect(page).to_have_title("New API key · Luna Portal")


def test_a_member_replaces_a_secret_that_does_not_work(page, sign_in, bob):
    sign_in(bob)
    page.goto("/o/acme/tokens/new")
    upload(page, "mine", OTHER_SECRET)
    expect(page.get_by_text("D-Wave does not accept this token")).to_be_visible()

    page.get_by_role("link", name="Settings").click()
    assert_accessible(page)
    page.get_by_role("link", name="Replace it").click()
    assert_accessible(page)
    page.get_by_label("Secret token").fill(SECRET)
    page.get_by_role("button", name="Replace the secret").click()

    expect(page.get_by_text("New jobs use the new secret from now on.")).to_be_visible()
    expect(page.get_by_text("is still kept for jobs that went out with it")).to_be_visible()
    assert QpuToken.objects.get().works


def test_an_admin_renames_tests_and_deletes_a_token(page, sign_in, alice, lab_token):
    sign_in(alice)
    page.goto("/o/acme/tokens/group/lab/settings")

    page.get_by_role("textbox", name="Name").fill("annealer")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="annealer")).to_be_visible()
    page.get_by_role("button", name="Test now").click()
    expect(page.get_by_text("D-Wave accepts this token")).to_be_visible()

    page.get_by_role("link", name="Delete").click()
    assert_accessible(page)
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    page.get_by_role("button", name="Delete the token").click()
    expect(page.get_by_text("annealer is deleted.")).to_be_visible()
    expect(page.get_by_text("No tokens yet.")).to_be_visible()
