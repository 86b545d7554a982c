import pytest
from django.core.exceptions import ValidationError

from audit.models import Event
from organizations import services
from organizations.permissions import Scope

from .conftest import ACME, audited


class TestService:
    def test_its_address_stays(self, alice):
        renamed = services.change_organization(name=" Acme Labs ", by=alice)
        renamed.refresh_from_db()
        assert (renamed.name, renamed.slug) == ("Acme Labs", "acme")

        (event,) = audited(Event.Action.ORGANIZATION_CHANGED)
        assert (event.target, event.details) == ("Acme Labs", {"former_name": "Acme", "name": "Acme Labs"})

    def test_it_refuses_what_cannot_be_read(self, alice):
        with pytest.raises(ValidationError):
            services.change_organization(name="\u200b", by=alice)
        assert not audited(Event.Action.ORGANIZATION_CHANGED)


class TestApi:
    def test_an_admin_renames(self, api, alice):
        response = api(alice).patch(ACME, {"name": "Acme Labs"}, format="json")
        assert response.status_code == 200
        assert response.json()["name"] == "Acme Labs"
        assert api(alice).get(ACME).json()["name"] == "Acme Labs"

    def test_plan_and_address_are_not_the_admins_to_change(self, api, alice, acme):
        api(alice).patch(ACME, {"name": "Acme", "plan": "enterprise", "slug": "globex"}, format="json")
        acme.refresh_from_db()
        assert (acme.plan, acme.slug) == ("academic", "acme")

    def test_members_look_but_do_not_touch(self, api, bob):
        assert api(bob).get(ACME).status_code == 200
        assert api(bob).patch(ACME, {"name": "Bobs"}, format="json").status_code == 403

    def test_nor_does_an_admins_key_that_may_only_read(self, api, alice):
        client = api(alice, scopes=[Scope.READ])
        assert client.patch(ACME, {"name": "Labs"}, format="json").status_code == 403

    def test_strangers_find_nothing(self, api, acme, charlie):
        assert api(charlie).get(ACME).status_code == 404
        assert api(charlie).patch(ACME, {"name": "Mine"}, format="json").status_code == 404
        acme.refresh_from_db()
        assert acme.name == "Acme"

    @pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "\u200b"}, {"name": "x" * 101}, "x", None])
    def test_it_refuses_nonsense(self, api, alice, acme, body):
        assert api(alice).patch(ACME, body, format="json").status_code == 422
        acme.refresh_from_db()
        assert acme.name == "Acme"
