"""What people come for, done in two more ways: with the keyboard alone, and without JavaScript."""

from contextlib import contextmanager
from typing import Protocol

import pytest
from playwright.sync_api import Locator, Page, expect

from organizations.models import Invitation, digest_key
from quotas.models import TimeQuotaPolicy
from tests.conftest import SECRET

from .conftest import PATIENCE, window

SECOND = 10**9
MOST_TABS = 80


class Hands(Protocol):
    """How somebody uses a page."""

    def press(self, target: Locator) -> None: ...

    def type(self, target: Locator, text: str) -> None: ...


class Keyboard:
    """Nothing but the keyboard: Tab, Enter, letters."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        self.walk_to(target)
        self.page.keyboard.press("Enter")

    def type(self, target: Locator, text: str) -> None:
        self.walk_to(target)
        self.page.keyboard.insert_text(text)

    def walk_to(self, target: Locator) -> None:
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"The keyboard does not get to {target}.")


class Mouse:
    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        target.click()

    def type(self, target: Locator, text: str) -> None:
        target.fill(text)


@pytest.fixture
def window_of(chromium, context, live_server, sign_in):
    """window_of(member, hands): a window of this member's, and how it is used."""

    @contextmanager
    def signed_in(member, hands):
        sign_in(member)
        theirs = chromium.new_context(
            base_url=live_server.url,
            locale="en",
            reduced_motion="reduce",
            java_script_enabled=hands is Keyboard,
            storage_state=context.storage_state(),
        )
        theirs.set_default_timeout(PATIENCE)
        with window(theirs) as page:
            yield page, hands(page)
        theirs.close()

    return signed_in


both_ways = pytest.mark.parametrize("hands", [Keyboard, Mouse], ids=["keyboard alone", "without JavaScript"])


@both_ways
def test_an_admin_uploads_a_token_assigns_quotas_and_invites(window_of, alice, bob, hands):
    with window_of(alice, hands) as (page, use):

        def follow(name: str) -> None:
            use.press(page.get_by_role("link", name=name, exact=True).first)

        def push(name: str) -> None:
            use.press(page.get_by_role("button", name=name, exact=True))

        page.goto("/o/acme")
        follow("Tokens")
        follow("Upload your first token")
        use.type(page.get_by_label("Name"), "lab")
        use.type(page.get_by_label("Secret token"), SECRET)
        push("Upload")
        expect(page.get_by_text("lab is uploaded.")).to_be_visible()

        follow("Quotas")
        use.type(page.get_by_label("QPU time", exact=True), "1 h")
        push("Set")
        expect(page.get_by_text("1 h left of 1 h")).to_be_visible()
        follow("Assign to many")
        use.type(page.get_by_label("Email addresses"), "bob@example.com")
        use.type(page.get_by_label("QPU time for each"), "10 s")
        push("Check the list")
        push("Set 1 quota")
        expect(page.get_by_text("1 quota is set.")).to_be_visible()

        follow("Members")
        follow("Invite people")
        use.type(page.get_by_label("Email addresses"), "dora@example.com")
        push("Check the list")
        push("Send 1 invitation")
        expect(page.get_by_text("1 invitation is on its way.")).to_be_visible()

    quotas = dict(TimeQuotaPolicy.objects.values_list("member__user__email", "quota_ns"))
    assert quotas == {None: 3600 * SECOND, "bob@example.com": 10 * SECOND}
    assert Invitation.objects.get().email == "dora@example.com"


@both_ways
def test_a_member_makes_a_key_and_revokes_it(window_of, bob, lab_token, hands):
    bob.keys.all().delete()
    with window_of(bob, hands) as (page, use):
        page.goto("/o/acme")
        use.press(page.get_by_role("link", name="Make a key"))
        use.type(page.get_by_label("Name"), "laptop")
        use.press(page.get_by_role("button", name="Make the key"))
        raw_key = page.locator("#key").inner_text()
        assert bob.keys.get().digest == digest_key(raw_key)

        use.press(page.get_by_role("link", name="I have copied it"))
        use.press(page.get_by_role("link", name="Revoke laptop"))
        use.press(page.get_by_role("button", name="Revoke the key"))
        expect(page.get_by_role("row", name="laptop")).to_contain_text("revoked")


def test_the_keyboard_skips_the_navigation_and_finds_the_first_field(window_of, alice):
    with window_of(alice, Keyboard) as (page, use):
        page.goto("/o/acme/members")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()

        use.press(page.get_by_role("link", name="Invite people"))

        expect(page.get_by_label("Email addresses")).to_be_focused()
        page.keyboard.type("dora@example.com")
        use.press(page.get_by_role("button", name="Check the list"))
        expect(page.get_by_role("button", name="Send 1 invitation")).to_be_focused()
