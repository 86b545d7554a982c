"""Admins rename the organization, and see its plan; everybody is led to what they may open."""

import pytest

from audit.models import Event

from .conftest import audited

SETTINGS = "/o/acme/settings"


def test_an_admin_renames_it(browser, alice, acme):
    answer = browser(alice).post(SETTINGS, {"name": "Acme Labs"}, follow=True)

    assert "The settings are saved." in answer.content.decode()
    acme.refresh_from_db()
    assert (acme.name, acme.slug) == ("Acme Labs", "acme")
    (event,) = audited(Event.Action.ORGANIZATION_CHANGED)
    assert event.details == {"former_name": "Acme", "name": "Acme Labs"}


def test_a_name_that_does_not_fit_stays_in_the_field_with_the_reason(browser, alice, acme):
    answer = browser(alice).post(SETTINGS, {"name": "x" * 101})

    assert answer.context["form"].errors.keys() == {"name"}
    assert "x" * 101 in answer.content.decode()
    acme.refresh_from_db()
    assert acme.name == "Acme"


def test_it_says_what_the_plan_includes(browser, alice, acme):
    assert "personal and group tokens, with time quotas." in browser(alice).get(SETTINGS).content.decode()
    acme.plan = "basic"
    acme.save()
    assert "personal tokens only." in browser(alice).get(SETTINGS).content.decode()


class TestNavigation:
    def links(self, client, address):
        page = client.get(address).content.decode()
        return page[page.index('id="navigation"') : page.index("<main")]

    def test_it_offers_each_role_what_it_may_open(self, browser, alice, bob):
        members = self.links(browser(bob), "/o/acme")
        admins = self.links(browser(alice), "/o/acme")

        assert 'href="/o/acme/keys"' in members
        for address in ("members", "audit", "settings"):
            assert f'href="/o/acme/{address}"' in admins
            assert f'href="/o/acme/{address}"' not in members

    @pytest.mark.parametrize(
        ("address", "current"),
        [
            ("/o/acme", "/o/acme"),
            ("/o/acme/keys", "/o/acme/keys"),
            ("/o/acme/keys/new", "/o/acme/keys"),
            ("/o/acme/members/invite", "/o/acme/members"),
        ],
    )
    def test_it_says_where_one_is(self, browser, alice, address, current):
        links = self.links(browser(alice), address)

        assert links.count("aria-current") == 1
        assert f'href="{current}" aria-current="page"' in links
