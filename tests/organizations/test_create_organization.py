import pytest
from django.core.exceptions import ValidationError

from audit.models import Event
from organizations import services
from organizations.models import Organization
from organizations.permissions import Role, Scope

from .conftest import add_user, audited

URL = "/api/v1/organizations"
PAGE = "/organizations/new"


@pytest.fixture
def dora(db):
    return add_user("dora@example.com")


class TestService:
    def test_its_founder_is_its_first_admin(self, dora, settings):
        settings.DEFAULT_PLAN = "enterprise"
        membership = services.create_organization(name="  Quantum Lab  ", by=dora)

        assert membership.user == dora
        assert membership.role == Role.ADMIN
        assert membership.organization.name == "Quantum Lab"
        assert membership.organization.slug == "quantum-lab"
        assert membership.organization.plan == "enterprise"

    def test_it_is_audited_in_the_new_organization(self, dora):
        membership = services.create_organization(name="Lab", by=dora)
        (event,) = audited(Event.Action.ORGANIZATION_CREATED)
        assert (event.actor, event.target) == ("dora@example.com", "Lab")
        assert event.organization_id == membership.organization_id

    def test_two_of_the_same_name_have_two_addresses(self, dora):
        first, second = (services.create_organization(name="Lab", by=dora).organization for _ in range(2))
        assert first.slug == "lab"
        assert second.slug.startswith("lab-")

    @pytest.mark.parametrize("name", ["量子", "!!!", "Ω"])
    def test_a_name_without_latin_letters_gets_an_address_too(self, dora, name):
        assert services.create_organization(name=name, by=dora).organization.slug.startswith("organization")

    @pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", "a\x00b", "a\u202eb", "\u200b"])
    def test_it_refuses_names_that_cannot_be_read(self, dora, name):
        with pytest.raises(ValidationError):
            services.create_organization(name=name, by=dora)
        assert not Organization.objects.exists()
        assert not audited(Event.Action.ORGANIZATION_CREATED)

    def test_nothing_is_made_when_the_audit_line_fails(self, dora, monkeypatch):
        monkeypatch.setattr("organizations.services.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.create_organization(name="Lab", by=dora)
        assert not Organization.objects.exists()


class TestApi:
    def test_it_answers_what_the_list_will_show(self, api, bob):
        response = api(bob).post(URL, {"name": "Lab"}, format="json")
        assert response.status_code == 201
        assert {**response.json(), "permissions": None} == {
            "slug": "lab",
            "name": "Lab",
            "plan": "academic",
            "role": "admin",
            "permissions": None,
        }
        assert "manage_members" in response.json()["permissions"]

    def test_the_key_that_asked_does_not_open_it(self, api, bob):
        program = api(bob)
        program.post(URL, {"name": "Lab"}, format="json")
        assert program.get(f"{URL}/lab").status_code == 404

    def test_the_same_person_in_a_browser_can_open_it(self, api, browser, bob):
        api(bob).post(URL, {"name": "Lab"}, format="json")
        assert browser(bob).get(f"{URL}/lab").status_code == 200

    def test_a_key_that_may_make_no_changes_makes_none(self, api, alice):
        response = api(alice, scopes=[Scope.READ, Scope.RUN]).post(URL, {"name": "Lab"}, format="json")
        assert response.status_code == 403
        assert not Organization.objects.filter(name="Lab").exists()

    def test_where_sign_up_is_by_invitation_only_operators_make_organizations(self, api, alice, settings):
        settings.SIGNUP = "invited"
        assert api(alice).post(URL, {"name": "Lab"}, format="json").status_code == 403
        alice.user.is_staff = True
        alice.user.save(update_fields=["is_staff"])
        assert api(alice).post(URL, {"name": "Lab"}, format="json").status_code == 201

    @pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None}, {"name": ["x"]}, {"name": "x" * 101}, []])
    def test_it_refuses_nonsense(self, api, alice, body):
        response = api(alice).post(URL, body, format="json")
        assert response.status_code == 422
        assert Organization.objects.count() == 1

    def test_nobody_chooses_their_plan(self, api, alice):
        response = api(alice).post(URL, {"name": "Lab", "plan": "enterprise", "slug": "acme"}, format="json")
        assert (response.json()["plan"], response.json()["slug"]) == ("academic", "lab")


class TestPage:
    def test_it_leads_to_the_new_dashboard(self, client, dora):
        client.force_login(dora)
        assert client.get(PAGE).status_code == 200
        response = client.post(PAGE, {"name": "Quantum Lab"}, follow=True)
        assert response.redirect_chain == [("/o/quantum-lab", 302)]
        assert "Quantum Lab" in response.content.decode()

    def test_it_says_what_is_wrong(self, client, dora):
        client.force_login(dora)
        response = client.post(PAGE, {"name": "a\u200bb"})
        assert "cannot be seen" in response.content.decode()
        assert not Organization.objects.exists()

    def test_where_sign_up_is_by_invitation_it_is_for_operators(self, client, dora, settings):
        settings.SIGNUP = "invited"
        client.force_login(dora)
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, {"name": "Lab"}).status_code == 403
        assert "New organization" not in client.get("/").content.decode()
        assert not Organization.objects.exists()
