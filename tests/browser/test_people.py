"""Stories about people, as they happen in a browser: from an empty portal to a lab that works."""

import re

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from organizations.models import ApiKey, Invitation, Membership, Organization, digest_key
from organizations.permissions import Role
from tests.conftest import join

from .conftest import PHONE

PASSWORD = "correct horse battery staple"


def link_in(message: mail.EmailMessage) -> str:
    """The path of the link in a mail."""
    return re.search(r"https?://[^/\s]+(/\S+)", message.body)[1]


def button(page: Page, name: str) -> object:
    return page.get_by_role("button", name=name)


def test_from_signing_up_to_a_member_who_accepts(page, live_server):
    page.goto("/accounts/signup/")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    button(page, "Create account").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("mail")
    page.goto(link_in(mail.outbox[-1]))
    button(page, "Confirm").click()
    if "login" in page.url:
        page.get_by_label("Email").fill("ada@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        button(page, "Sign in").first.click()

    page.get_by_role("link", name="Create an organization").click()
    page.get_by_label("Name").fill("Quantum Lab")
    button(page, "Create").click()
    expect(page).to_have_url(f"{live_server.url}/o/quantum-lab")

    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Invite people").click()
    page.get_by_label("Email addresses").fill("max@example.com\nmia@example.com\nnot an address")
    button(page, "Check the list").click()
    expect(page.get_by_role("row", name="not an address")).to_contain_text("There is no email address in this line.")
    button(page, "Send 2 invitations").click()
    expect(page.get_by_text("2 invitations are on their way.")).to_be_visible()
    expect(page.get_by_label("Email addresses")).to_have_value("not an address")

    to_max = next(message for message in mail.outbox if message.to == ["max@example.com"])
    page.get_by_label("Your account").first.click()
    button(page, "Sign out").click()
    page.goto(link_in(to_max))
    button(page, "Create an account").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    button(page, "Create account").click()
    button(page, "Join as max@example.com").click()
    expect(page.get_by_text("You are a member of Quantum Lab now.")).to_be_visible()
    assert Membership.objects.get(user__email="max@example.com").role == Role.MEMBER


class TestMembers:
    def test_a_role_is_changed_in_place(self, page, sign_in, alice, bob):
        sign_in(alice)
        page.goto("/o/acme/members?order=-email")

        page.get_by_label("Role of bob@example.com").focus()
        page.get_by_label("Role of bob@example.com").select_option("admin")

        expect(page.get_by_text("bob@example.com is an admin now.")).to_be_visible()
        expect(page.get_by_label("Role of bob@example.com")).to_be_focused()
        assert page.url.endswith("/o/acme/members?order=-email")
        bob.refresh_from_db()
        assert bob.role == Role.ADMIN

    def test_a_role_is_changed_without_javascript(self, chromium, live_server, context, sign_in, alice, bob):
        sign_in(alice)
        plain = chromium.new_context(
            base_url=live_server.url, java_script_enabled=False, storage_state=context.storage_state()
        )
        page = plain.new_page()
        page.goto("/o/acme/members")

        page.get_by_label("Role of bob@example.com").select_option("admin")
        button(page, "Save").click()

        expect(page.get_by_text("bob@example.com is an admin now.")).to_be_visible()
        plain.close()

    def test_whose_session_has_ended_is_asked_to_sign_in_and_comes_back(self, page, context, sign_in, alice, bob):
        sign_in(alice)
        page.goto("/o/acme/members")
        context.clear_cookies(name="sessionid")

        page.get_by_label("Role of bob@example.com").select_option("admin")

        expect(page).to_have_url(re.compile(r"/accounts/login/\?next=/o/acme/members$"))
        bob.refresh_from_db()
        assert bob.role == Role.MEMBER

    def test_who_needs_a_second_factor_now_is_led_to_where_it_is_set_up(self, page, sign_in, alice, bob, acme):
        sign_in(alice)
        page.goto("/o/acme/members")
        Organization.objects.update(requires_second_factor=True)

        page.get_by_role("searchbox").press_sequentially("b")

        expect(page).to_have_url(re.compile(r"/accounts/2fa/$"))
        expect(page.get_by_text("Acme asks for a second factor.")).to_have_count(1)

    def test_the_list_narrows_while_one_types(self, page, sign_in, alice, bob):
        sign_in(alice)
        page.goto("/o/acme/members")

        page.get_by_role("searchbox").press_sequentially("bob")

        expect(page.get_by_role("row")).to_have_count(2)  # the heading, and Bob
        expect(page).to_have_url(re.compile(r"search=bob"))
        expect(page.get_by_role("searchbox")).to_be_focused()

    def test_a_member_is_removed_after_reading_what_goes(self, page, sign_in, alice, bob):
        sign_in(alice)
        page.goto("/o/acme/members")

        page.get_by_role("link", name="Remove bob@example.com").click()
        expect(page.get_by_text("1 API key stops working at once")).to_be_visible()
        button(page, "Remove from the organization").click()

        expect(page.get_by_text("bob@example.com is no longer in the organization.")).to_be_visible()
        assert not Membership.objects.filter(pk=bob.pk).exists()


class TestInvitations:
    def test_a_csv_is_uploaded_checked_and_sent(self, page, sign_in, alice, bob):
        sign_in(alice)
        page.goto("/o/acme/members/invite")
        file = {
            "name": "course.csv",
            "mimeType": "text/csv",
            "buffer": b"Name;E-Mail\nDora;dora@example.com\nBob;bob@example.com\n",
        }

        page.get_by_label("Or a CSV file").set_input_files(file)
        button(page, "Check the list").click()
        expect(page.get_by_role("row", name="bob@example.com")).to_contain_text("is a member already")
        button(page, "Send 1 invitation").click()

        expect(page.get_by_role("row", name="dora@example.com")).to_be_visible()
        assert Invitation.objects.get().email == "dora@example.com"

    def test_one_is_sent_again_and_another_revoked(self, page, sign_in, alice):
        sign_in(alice)
        page.goto("/o/acme/members/invite")
        page.get_by_label("Email addresses").fill("dora@example.com, emil@example.com")
        button(page, "Check the list").click()
        button(page, "Send 2 invitations").click()

        button(page, "Send the mail to dora@example.com again").click()
        expect(page.get_by_text("The mail to dora@example.com is on its way again.")).to_be_visible()
        button(page, "Revoke the invitation of emil@example.com").click()

        expect(page.get_by_role("row", name="emil@example.com")).to_have_count(0)
        assert [message.to[0] for message in mail.outbox].count("dora@example.com") == 2


class TestKeys:
    def test_a_key_is_made_copied_once_renamed_and_revoked(self, page, sign_in, bob):
        sign_in(bob)
        page.goto("/o/acme/keys")
        page.get_by_role("link", name="New key").click()
        page.get_by_label("Name").fill("laptop")
        page.get_by_label("Make changes").uncheck()
        button(page, "Make the key").click()
        button(page, "Copy").first.click()
        expect(button(page, "Copied")).to_be_visible()
        raw_key = page.evaluate("navigator.clipboard.readText()")
        assert ApiKey.objects.with_digest(digest_key(raw_key)).get().scopes == ["read", "run"]

        page.get_by_role("link", name="I have copied it").click()
        assert raw_key not in page.content()
        page.get_by_role("link", name="Rename laptop").click()
        page.get_by_label("Name").fill("thesis")
        button(page, "Save").click()
        page.get_by_role("link", name="Revoke thesis").click()
        button(page, "Revoke the key").click()

        expect(page.get_by_role("row", name="thesis")).to_contain_text("revoked")


class TestTimes:
    @pytest.mark.parametrize(("zone", "shown"), [("Asia/Tokyo", "23:30"), ("America/New_York", "9:30")])
    def test_they_are_those_of_the_viewers_zone(self, chromium, live_server, context, sign_in, bob, zone, shown):
        bob.keys.update(expires_at="2100-01-01T14:30:00Z")
        sign_in(bob)
        there = chromium.new_context(
            base_url=live_server.url, timezone_id=zone, locale="en", storage_state=context.storage_state()
        )
        page = there.new_page()
        page.goto("/o/acme/keys")

        expect(page.locator("time").last).to_have_attribute("title", re.compile(shown))
        there.close()


def test_on_a_phone_the_navigation_opens_and_closes(page, sign_in, bob):
    page.set_viewport_size(PHONE)
    sign_in(bob)
    page.goto("/o/acme")
    keys = page.get_by_role("link", name="API keys", exact=True)
    expect(keys).to_be_hidden()

    button(page, "Navigation").click()
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(button(page, "Navigation")).to_be_focused()

    button(page, "Navigation").click()
    keys.click()
    expect(page.get_by_role("heading", level=1, name="API keys")).to_be_visible()


def test_somebody_in_two_organizations_goes_from_one_to_the_other(page, sign_in, bob):
    join("Second Lab", "bob@example.com", Role.ADMIN)
    sign_in(bob)
    page.goto("/o/acme")

    page.get_by_label("Organization: Acme").click()
    page.get_by_role("link", name="Second Lab").click()

    expect(page).to_have_url(re.compile(r"/o/second-lab$"))
