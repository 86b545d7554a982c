"""An open page whose request is sent elsewhere goes there as a whole, instead of showing that page in a table."""

import pytest
from django.test import Client
from django.utils import timezone

from organizations.models import Organization
from tokens.services import rename_token

MEMBERS = "/o/acme/members"


def ask(client, method="get", path=MEMBERS, page=MEMBERS, **data):
    """What htmx sends from an open page."""
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
    return getattr(client, method)(path, data, headers=headers)


def is_reloaded(answer):
    return answer.status_code == 200 and answer.headers.get("HX-Refresh") == "true" and not answer.content


@pytest.fixture
def second_factor_needed(acme):
    Organization.objects.update(requires_second_factor=True)


class TestReloading:
    @pytest.mark.parametrize("page", [MEMBERS, f"{MEMBERS}?search=bob"])
    def test_whose_session_has_ended(self, alice, page):
        assert is_reloaded(ask(Client(), path=page, page=page))

    def test_also_with_a_change(self, alice, bob):
        assert is_reloaded(ask(Client(), "post", f"{MEMBERS}/{bob.pk}/role", role="admin"))

    def test_who_needs_a_second_factor_now_is_told_so_once(self, browser, alice, second_factor_needed):
        client = browser(alice)

        assert is_reloaded(ask(client))
        assert client.get(MEMBERS, follow=True).text.count("Acme asks for a second factor.") == 1

    def test_whose_organization_is_closed_now(self, browser, alice):
        Organization.objects.update(closed_at=timezone.now())

        assert is_reloaded(ask(browser(alice)))


class TestEverythingElse:
    def test_a_change_leads_back_to_its_page_and_says_what_was_done(self, browser, alice, bob):
        client = browser(alice)

        answer = ask(client, "post", f"{MEMBERS}/{bob.pk}/role?search=bob", f"{MEMBERS}?search=bob", role="admin")

        assert answer.headers["Location"] == f"{MEMBERS}?search=bob"
        assert "is an admin now" in ask(client).text

    def test_names_in_addresses_are_compared_as_they_read(self, browser, alice, lab_token):
        rename_token(token=lab_token, name="Größe 1", by=alice)
        quotas = "/o/acme/tokens/group/Gr%C3%B6%C3%9Fe%201/quotas"

        answer = ask(browser(alice), "post", f"{quotas}/group/set", quotas, quota="30 s")

        assert answer.status_code == 302

    def test_pages_are_redirected_as_ever(self, alice):
        assert Client().get(MEMBERS).headers["Location"] == f"/accounts/login/?next={MEMBERS}"
