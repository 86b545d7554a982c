"""Who gets in: an organization may ask for a second factor, and for addresses at certain domains."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.models import Event
from organizations import services
from organizations.models import Invitation, Membership
from organizations.permissions import Role

from .conftest import ACME, add_user, audited

PAGE = "/o/acme/settings/sign-in"


def set_up_second_factor(member: Membership) -> None:
    Authenticator.objects.create(user=member.user, type=Authenticator.Type.TOTP, data={})


@pytest.fixture
def strict(alice):
    """Acme, where everybody needs a second factor; Alice has one."""
    set_up_second_factor(alice)
    return services.change_organization(requires_second_factor=True, by=alice)


@pytest.fixture
def closed_circle(alice):
    """Acme, which takes addresses at two domains only; those of its members are at neither."""
    return services.change_organization(email_domains=["acme.example", "labs.acme.example"], by=alice)


class TestSecondFactor:
    @pytest.mark.parametrize("address", ["/o/acme", "/o/acme/keys/new", "/o/acme/tokens"])
    def test_who_has_none_is_led_to_set_one_up(self, browser, bob, strict, address):
        answer = browser(bob).get(address, follow=True)

        assert answer.redirect_chain == [("/accounts/2fa/", 302)]
        assert "Acme asks for a second factor." in answer.content.decode()

    def test_nothing_is_done_for_them_before(self, browser, bob, strict):
        answer = browser(bob).post("/o/acme/keys/new", {"name": "x", "scopes": ["read"], "lifetime": "30"})

        assert answer.status_code == 302
        assert not bob.keys.filter(name="x").exists()

    def test_who_has_one_gets_in(self, browser, bob, strict):
        set_up_second_factor(bob)

        assert browser(bob).get("/o/acme").status_code == 200

    def test_recovery_codes_alone_are_none(self, browser, bob, strict):
        Authenticator.objects.create(user=bob.user, type=Authenticator.Type.RECOVERY_CODES, data={})

        assert browser(bob).get("/o/acme").status_code == 302

    def test_programs_go_on(self, api, bob, strict):
        assert api(bob).get(ACME).status_code == 200

    def test_the_api_refuses_a_session_as_the_pages_do(self, browser, bob, strict):
        answer = browser(bob).get(ACME)

        assert answer.status_code == 403
        assert "asks its members for a second factor" in answer.json()["message"]

    def test_leaving_takes_none(self, browser, bob, strict):
        assert browser(bob).get("/o/acme/leave").status_code == 200

    def test_strangers_learn_nothing_of_it(self, browser, charlie, strict):
        assert browser(charlie).get("/o/acme").status_code == 404

    def test_other_organizations_do_not_mind(self, browser, charlie, strict):
        assert browser(charlie).get("/o/globex").status_code == 200


class TestSwitchingItOn:
    def test_the_page_says_first_who_has_none(self, browser, alice, bob):
        shown = browser(alice).get(PAGE).content.decode()

        assert "2 of 2 members have no second factor." in shown
        assert 'href="/o/acme/members?factor=no"' in shown

    def test_an_admin_without_one_is_told_beside_the_field(self, browser, alice, acme):
        answer = browser(alice).post(PAGE, {"requires_second_factor": "on"})

        assert answer.context["form"].errors == {
            "requires_second_factor": ["Set up a second factor for yourself first."]
        }
        acme.refresh_from_db()
        assert not acme.requires_second_factor
        assert not audited(Event.Action.ORGANIZATION_CHANGED)

    def test_an_admin_with_one_switches_it_on_and_off(self, browser, alice, acme):
        set_up_second_factor(alice)
        page = browser(alice)

        assert "The sign-in rules are saved." in page.post(PAGE, {"requires_second_factor": "on"}, follow=True).text
        acme.refresh_from_db()
        assert acme.requires_second_factor
        (event,) = audited(Event.Action.ORGANIZATION_CHANGED)
        assert event.details == {"requires_second_factor": True, "former_requires_second_factor": False}

        page.post(PAGE, {})
        acme.refresh_from_db()
        assert not acme.requires_second_factor


class TestDomains:
    def test_members_who_are_there_already_stay_and_are_listed(self, browser, alice, bob, closed_circle):
        page = browser(alice)

        assert "2 members have addresses outside of the allowed domains, and stay." in page.get(PAGE).text
        assert "bob@example.com" in page.get("/o/acme/members?address=outside").text
        assert page.get("/o/acme").status_code == 200

    def test_only_exact_domains_count(self, browser, alice, closed_circle):
        services.join(add_user("ada@acme.example"), closed_circle, Role.MEMBER)
        services.join(add_user("eve@not-acme.example"), closed_circle, Role.MEMBER)
        services.join(add_user("eve@x.acme.example"), closed_circle, Role.MEMBER)

        outside = closed_circle.memberships.with_address_outside(closed_circle.email_domains)
        assert {member.user.email for member in outside} == {
            "alice@example.com",
            "eve@not-acme.example",
            "eve@x.acme.example",
        }
        assert [closed_circle.admits(email) for email in ("a@acme.example", "a@x.acme.example")] == [True, False]

    def test_the_list_of_members_offers_that_filter_only_where_there_are_domains(self, browser, alice, acme):
        assert 'name="address"' not in browser(alice).get("/o/acme/members?address=outside").text

    def test_other_addresses_cannot_be_invited(self, alice, closed_circle):
        with pytest.raises(ValidationError) as refusal:
            services.invite_all(
                emails=["ada@acme.example", "dora@example.com"], role="member", by=alice, now=timezone.now()
            )

        assert refusal.value.message_dict == {
            "emails.1": ["Acme takes only addresses at acme.example, labs.acme.example."]
        }
        assert not Invitation.objects.exists()

    def test_the_preview_says_so_beside_the_line(self, browser, alice, closed_circle):
        answer = browser(alice).post(
            "/o/acme/members/invite", {"people": "ada@acme.example\ndora@example.com", "role": "member"}
        )

        ada, dora = answer.context["invitees"]
        assert (ada.problem, dora.problem) == ("", "Acme takes only addresses at acme.example, labs.acme.example.")
        assert dora.problem in answer.text

    def test_an_invitation_from_before_is_no_longer_good(self, browser, alice, acme):
        (invitation,) = services.invite_all(emails=["dora@example.com"], role="member", by=alice, now=timezone.now())
        services.change_organization(email_domains=["acme.example"], by=alice)

        with pytest.raises(ValidationError, match="takes only addresses"):
            services.accept_invitation(invitation=invitation, user=add_user("dora@example.com"), now=timezone.now())

        assert not acme.memberships.filter(user__email="dora@example.com").exists()

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("example.com", ["example.com"]),
            ("Example.COM, @uni.example.edu\nexample.com", ["example.com", "uni.example.edu"]),
            ("", []),
        ],
    )
    def test_they_are_typed_as_people_type_them(self, browser, alice, acme, typed, kept):
        browser(alice).post(PAGE, {"email_domains": typed})

        acme.refresh_from_db()
        assert acme.email_domains == kept

    @pytest.mark.parametrize("typed", ["localhost", "no domain", "a@b.example", "x" * 300 + ".example", "ex/ample.com"])
    def test_what_is_no_domain_is_told_beside_the_field(self, browser, alice, acme, typed):
        answer = browser(alice).post(PAGE, {"email_domains": typed})

        assert "is no domain of email addresses" in answer.context["form"].errors["email_domains"][0]
        assert typed in answer.text
        acme.refresh_from_db()
        assert acme.email_domains == []

    def test_there_is_a_most(self, alice):
        with pytest.raises(ValidationError, match="at most 100"):
            services.change_organization(email_domains=[f"d{number}.example" for number in range(101)], by=alice)


class TestSingleSignOn:
    def test_it_says_that_there_is_none(self, browser, alice):
        assert "None is set up on this portal" in browser(alice).get(PAGE).text

    def test_it_names_what_the_operator_has_set_up(self, browser, alice, settings):
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {"APPS": [{"provider_id": "uni", "name": "University", "client_id": "portal"}]},
            "saml": {"APPS": [{"client_id": "lab"}]},
        }

        shown = browser(alice).get(PAGE).text

        assert "University" in shown
        assert "(OpenID Connect)" in shown
        assert "(SAML)" in shown


class TestApi:
    def test_admins_read_and_change_the_rules(self, api, alice):
        set_up_second_factor(alice)
        rules = {"requires_second_factor": True, "email_domains": ["example.com"]}

        assert api(alice).patch(ACME, rules, format="json").status_code == 200
        assert api(alice).get(ACME).json().items() >= rules.items()

    def test_what_is_not_named_stays(self, api, alice, closed_circle):
        api(alice).patch(ACME, {"name": "Acme Labs"}, format="json")

        closed_circle.refresh_from_db()
        assert closed_circle.email_domains == ["acme.example", "labs.acme.example"]

    @pytest.mark.parametrize(
        "wish",
        [
            {"requires_second_factor": True},  # Alice has none herself
            {"requires_second_factor": "perhaps"},
            {"email_domains": ["localhost"]},
            {"email_domains": "example.com"},
            {"email_domains": [7, None]},
        ],
    )
    def test_it_says_which_field_does_not_fit(self, api, alice, wish):
        answer = api(alice).patch(ACME, wish, format="json")

        assert answer.status_code == 422
        (name,) = wish
        assert all(field.startswith(name) for field in answer.json()["errors"])

    def test_members_may_not(self, api, browser, bob):
        assert api(bob).patch(ACME, {"email_domains": []}, format="json").status_code == 403
        assert browser(bob).post(PAGE, {}).status_code == 403

    def test_strangers_find_nothing(self, browser, charlie, acme):
        assert browser(charlie).post(PAGE, {}).status_code == 404
