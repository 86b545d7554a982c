import pytest
from django.core.exceptions import ValidationError

from audit.models import Event
from organizations import services
from organizations.errors import Conflict
from organizations.models import Membership
from organizations.permissions import Role, Scope

from .conftest import ACME, add_member, at_once, audited


class TestService:
    def test_a_member_becomes_an_admin(self, alice, bob):
        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        assert Membership.objects.get(pk=bob.pk).is_admin

        (event,) = audited(Event.Action.ROLE_CHANGED)
        assert (event.actor, event.target, event.details) == ("alice@example.com", str(bob), {"role": "admin"})

    def test_an_admin_becomes_a_member(self, alice):
        deputy = add_member("deputy@example.com", role=Role.ADMIN)
        services.change_role(membership=alice, role=Role.MEMBER, by=deputy)
        assert not Membership.objects.get(pk=alice.pk).is_admin

    def test_the_last_admin_stays_one(self, alice, bob):
        with pytest.raises(Conflict, match="last admin"):
            services.change_role(membership=alice, role=Role.MEMBER, by=alice)
        assert Membership.objects.get(pk=alice.pk).is_admin
        assert not audited(Event.Action.ROLE_CHANGED)

    def test_admins_of_other_organizations_do_not_count(self, alice, charlie):
        with pytest.raises(Conflict):
            services.change_role(membership=alice, role=Role.MEMBER, by=alice)

    def test_the_same_role_again_changes_nothing(self, alice, bob):
        services.change_role(membership=bob, role=Role.MEMBER, by=alice)
        assert not audited(Event.Action.ROLE_CHANGED)

    def test_it_knows_no_other_roles(self, alice, bob):
        with pytest.raises(ValidationError):
            services.change_role(membership=bob, role="owner", by=alice)

    def test_it_looks_at_the_role_as_it_is_now(self, alice, bob):
        stale = Membership.objects.get(pk=bob.pk)
        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        services.change_role(membership=alice, role=Role.MEMBER, by=bob)
        with pytest.raises(Conflict, match="last admin"):
            services.change_role(membership=stale, role=Role.MEMBER, by=alice)

    def test_nothing_changes_when_the_audit_line_fails(self, alice, bob, monkeypatch):
        monkeypatch.setattr("organizations.services.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        assert not Membership.objects.get(pk=bob.pk).is_admin


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_admins_who_demote_each_other_leave_one(self, acme, alice):
        deputy = add_member("deputy@example.com", role=Role.ADMIN)
        outcomes = at_once(
            lambda: services.change_role(membership=deputy, role=Role.MEMBER, by=alice),
            lambda: services.change_role(membership=alice, role=Role.MEMBER, by=deputy),
        )
        assert {type(outcome) for outcome in outcomes} == {Conflict, Membership}
        assert acme.memberships.filter(role=Role.ADMIN).count() == 1

    def test_one_who_demotes_and_one_who_leaves_leave_one(self, acme, alice):
        deputy = add_member("deputy@example.com", role=Role.ADMIN)
        at_once(
            lambda: services.change_role(membership=deputy, role=Role.MEMBER, by=alice),
            lambda: services.remove_member(membership=alice, by=alice),
        )
        assert acme.memberships.filter(role=Role.ADMIN).count() == 1


class TestApi:
    def url(self, member):
        return f"{ACME}/members/{member.pk}"

    def test_an_admin_changes_it(self, api, alice, bob):
        response = api(alice).patch(self.url(bob), {"role": "admin"}, format="json")
        assert response.status_code == 200
        assert response.json()["role"] == "admin"
        assert api(bob).get(f"{ACME}/members").status_code == 200

    def test_who_is_no_admin_any_more_may_no_more_at_once(self, api, alice, bob):
        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        key = api(bob)
        services.change_role(membership=bob, role=Role.MEMBER, by=alice)
        assert key.get(f"{ACME}/members").status_code == 403

    def test_the_last_admin_is_told_why(self, api, alice):
        response = api(alice).patch(self.url(alice), {"role": "member"}, format="json")
        assert response.status_code == 409
        assert response.json()["message"] == "This is the last admin. Make somebody else an admin first."

    def test_members_cannot(self, api, bob):
        assert api(bob).patch(self.url(bob), {"role": "admin"}, format="json").status_code == 403

    def test_nor_can_an_admins_key_that_may_only_read(self, api, alice, bob):
        client = api(alice, scopes=[Scope.READ])
        assert client.patch(self.url(bob), {"role": "admin"}, format="json").status_code == 403

    def test_other_organizations_are_out_of_reach(self, api, alice, charlie):
        assert api(charlie).patch(self.url(alice), {"role": "member"}, format="json").status_code == 404
        assert api(alice).patch(self.url(charlie), {"role": "member"}, format="json").status_code == 404
        url = f"/api/v1/organizations/globex/members/{alice.pk}"
        assert api(charlie).patch(url, {"role": "member"}, format="json").status_code == 404

    @pytest.mark.parametrize("body", [{}, {"role": "owner"}, {"role": None}, {"role": ["admin"]}, {"role": "Admin"}])
    def test_it_refuses_nonsense(self, api, alice, bob, body):
        assert api(alice).patch(self.url(bob), body, format="json").status_code == 422
        assert not Membership.objects.get(pk=bob.pk).is_admin
