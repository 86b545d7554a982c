"""Guessing passwords, codes and links; and keeping others out by guessing wrong on purpose."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.cache import cache, caches
from django.test import Client
from django.utils import timezone

from audit.models import Event
from tests.accounts.conftest import link_in
from tests.attacks.conftest import PASSWORD

pytestmark = pytest.mark.django_db

TOO_MANY = "Too many failed login attempts"


@pytest.fixture
def admin(alice, with_password):
    return with_password(alice.user)


def post_password(client, email, password="wrong", address="198.51.100.7"):
    """The page that comes back; empty if it let in."""
    data = {"login": email, "password": password}
    return client.post("/accounts/login/", data, REMOTE_ADDR=address).content.decode()


def is_signed_in(client):
    return client.get("/accounts/profile/").status_code == 200


def besiege(email, guesses=60):
    """Guess from many addresses, each within its own limits; how many were looked at."""
    pages = [post_password(Client(), email, address=f"203.0.113.{number // 4}") for number in range(guesses)]
    return sum(TOO_MANY not in page for page in pages)


class TestPasswords:
    def test_from_one_address_five_are_looked_at(self, admin):
        pages = [post_password(Client(), admin.email) for _ in range(7)]

        assert [TOO_MANY in page for page in pages] == [False] * 5 + [True] * 2

    def test_an_ipv6_network_is_one_address(self, admin):
        pages = [post_password(Client(), admin.email, address=f"2001:db8::{number:x}") for number in range(1, 8)]

        assert [TOO_MANY in page for page in pages] == [False] * 5 + [True] * 2

    def test_from_many_addresses_fifty_an_hour_are_looked_at(self, admin):
        assert besiege(admin.email) == 50

    def test_what_is_refused_is_not_even_compared(self, admin):
        besiege(admin.email)

        client = Client()
        post_password(client, admin.email, PASSWORD)

        assert not is_signed_in(client)

    def test_from_one_address_ten_accounts_a_minute_are_tried(self):
        pages = [post_password(Client(), f"somebody{number}@example.com") for number in range(12)]

        assert [TOO_MANY in page for page in pages] == [False] * 10 + [True] * 2

    def test_refused_guesses_leave_no_lines_in_the_audit_log(self, admin):
        besiege(admin.email)

        assert Event.objects.filter(action="user_sign_in_failed").count() == 50


class TestNobodyLocksOutAnAdmin:
    @pytest.fixture
    def own_browser(self, admin):
        """One in which the admin has signed in before."""
        client = Client()
        post_password(client, admin.email, PASSWORD)
        client.post("/accounts/logout/")
        return client

    def test_from_their_own_browser_they_come_in_under_siege(self, admin, own_browser):
        besiege(admin.email)

        post_password(own_browser, admin.email, PASSWORD)

        assert is_signed_in(own_browser)

    def test_also_where_the_attacker_sits_behind_the_same_address(self, admin, own_browser):
        for number in range(12):
            post_password(Client(), f"somebody{number}@example.com")
            post_password(Client(), admin.email)

        post_password(own_browser, admin.email, PASSWORD)

        assert is_signed_in(own_browser)

    def test_from_a_new_browser_they_come_in_by_a_new_password(self, admin):
        besiege(admin.email)
        new = Client()
        new.post("/accounts/password/reset/", {"email": admin.email})
        form = new.get(link_in(mail.outbox[-1]), follow=True).request["PATH_INFO"]
        new.post(form, {"password1": "another long password", "password2": "another long password"})

        post_password(new, admin.email, "another long password")

        assert is_signed_in(new)

    def test_a_known_browser_has_limits_too(self, admin, own_browser):
        pages = [post_password(own_browser, admin.email) for _ in range(7)]

        assert [TOO_MANY in page for page in pages] == [False] * 5 + [True] * 2

    def test_a_browser_is_known_for_its_owners_account_only(self, admin, own_browser, bob, with_password):
        with_password(bob.user)
        besiege(bob.user.email)

        assert TOO_MANY in post_password(own_browser, bob.user.email, PASSWORD)

    def test_nobody_makes_up_the_cookie(self, admin, own_browser, settings):
        besiege(admin.email)
        forger = Client()
        forger.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = "made-up:1abcde:" + "A" * 43

        assert TOO_MANY in post_password(forger, admin.email, PASSWORD)


class TestSecondFactors:
    def test_five_codes_are_looked_at_whatever_the_address(self, admin):
        TOTP.activate(admin, generate_totp_secret())
        refused = []
        for number in range(7):
            client = Client()
            post_password(client, admin.email, PASSWORD, address=f"203.0.113.{number}")
            page = client.post("/accounts/2fa/authenticate/", {"code": "000000"}, REMOTE_ADDR=f"203.0.113.{number}")
            refused.append(TOO_MANY in page.content.decode())

        assert refused == [False] * 5 + [True] * 2


class TestInvitations:
    def test_a_link_is_signed_so_guessing_leads_nowhere(self, client, alice):
        for guess in ("1", "1:2", "x" * 2000, "1:dora@example.com:" + "A" * 43):
            assert client.get(f"/invitations/{guess}").status_code == 404


class TestAcrossProcesses:
    def test_counts_are_in_the_database_by_default(self, shared_cache, admin):
        for _ in range(5):
            post_password(Client(), admin.email)
        caches.close_all()  # what another process finds

        assert TOO_MANY in post_password(Client(), admin.email, PASSWORD)

    def test_wild_guessing_does_not_push_out_the_counts(self, shared_cache, admin):
        """Django's cache in the database keeps 300 entries, unless told otherwise."""
        for _ in range(5):
            post_password(Client(), admin.email)
        for number in range(400):
            cache.set(f"guess-{number}", 1, timeout=300)

        assert TOO_MANY in post_password(Client(), admin.email, PASSWORD)


def test_a_link_for_a_new_password_is_good_for_an_hour(client, admin, time_machine):
    client.post("/accounts/password/reset/", {"email": admin.email})
    link = link_in(mail.outbox[-1])
    assert not Client().get(link, follow=True).context.get("token_fail")

    time_machine.move_to(timezone.now() + timedelta(hours=1, minutes=1))

    assert client.get(link, follow=True).context["token_fail"]


def test_links_in_mails_lead_to_the_portal_whatever_it_was_asked_for_as(client, admin, settings):
    settings.ALLOWED_HOSTS = ["*"]

    client.post("/accounts/password/reset/", {"email": admin.email}, headers={"Host": "evil.example"})

    assert "http://localhost/accounts/password/reset/key/" in mail.outbox[-1].body
    assert "evil.example/accounts/password/reset/key/" not in mail.outbox[-1].body
