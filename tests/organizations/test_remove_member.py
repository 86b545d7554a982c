"""Somebody is taken out of an organization, or leaves."""

import pytest
from django.utils import timezone

from audit.models import Event
from organizations import services
from organizations.errors import Conflict
from organizations.models import ApiKey, Membership
from organizations.permissions import Role, Scope
from quotas import services as quotas
from quotas.models import TimeQuotaPolicy, Usage
from quotas.proof import prove

from .conftest import ACME, add_member, at_once, audited


class TestService:
    def test_keys_and_quotas_go_and_the_record_stays(self, alice, bob, lab_token, bobs_token):
        now = timezone.now()
        quotas.assign_quota(token=lab_token, member=bob, quota_ns=1000, by=alice, now=now)
        usage = quotas.reserve(token=lab_token, by=bob, estimate_ns=100, source=Usage.Source.GATEWAY, now=now)
        services.remove_member(membership=bob, by=alice)

        assert not ApiKey.objects.filter(membership__user=bob.user).exists()
        assert not TimeQuotaPolicy.objects.exists()
        assert quotas.settle(usage=usage, access_time_ns=80, now=now)
        assert Usage.objects.get().user_email == "bob@example.com"
        assert prove()[1] == []
        assert bob.user.qpu_tokens.get() == bobs_token

        (event,) = audited(Event.Action.MEMBER_REMOVED)
        assert (event.actor, event.target) == ("alice@example.com", "bob@example.com in Acme")
        assert Event.objects.filter(action=Event.Action.KEY_ISSUED, target__startswith="first").count() == 2

    def test_the_last_admin_stays(self, alice, bob):
        with pytest.raises(Conflict, match="last admin"):
            services.remove_member(membership=alice, by=alice)
        assert Membership.objects.filter(pk=alice.pk).exists()

    def test_nobody_goes_when_the_audit_line_fails(self, alice, bob, monkeypatch):
        monkeypatch.setattr("organizations.services.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.remove_member(membership=bob, by=alice)
        assert Membership.objects.filter(pk=bob.pk).exists()

    def test_who_comes_back_starts_anew(self, alice, bob):
        services.remove_member(membership=bob, by=alice)
        assert add_member("bob@example.com").keys.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_member_at_once_goes_once(acme, alice, bob):
    again = Membership.objects.get(pk=bob.pk)
    outcomes = at_once(
        lambda: services.remove_member(membership=bob, by=alice),
        lambda: services.remove_member(membership=again, by=alice),
    )
    assert {type(outcome) for outcome in outcomes} == {type(None), Conflict}
    assert len(audited(Event.Action.MEMBER_REMOVED)) == 1


class TestApi:
    def url(self, member):
        return f"{ACME}/members/{member.pk}"

    def test_their_keys_and_sessions_open_nothing_any_more(self, api, browser, alice, bob):
        program, page = api(bob), browser(bob)
        assert api(alice).delete(self.url(bob)).status_code == 204
        assert program.get(ACME).status_code == 401
        assert page.get(ACME).status_code == 404
        assert page.get("/o/acme").status_code == 404

    def test_twice_is_not_found(self, api, alice, bob):
        api(alice).delete(self.url(bob))
        assert api(alice).delete(self.url(bob)).status_code == 404

    def test_the_last_admin_cannot_go(self, api, alice, bob):
        assert api(alice).delete(self.url(alice)).status_code == 409

    def test_members_cannot(self, api, alice, bob):
        assert api(bob).delete(self.url(alice)).status_code == 403
        assert api(alice, scopes=[Scope.READ]).delete(self.url(bob)).status_code == 403

    def test_other_organizations_are_out_of_reach(self, api, alice, charlie):
        assert api(charlie).delete(self.url(alice)).status_code == 404
        assert api(alice).delete(self.url(charlie)).status_code == 404
        assert api(charlie).delete(f"/api/v1/organizations/globex/members/{alice.pk}").status_code == 404
        assert Membership.objects.count() == 2


class TestLeaving:
    url = f"{ACME}/membership"

    def test_a_member_leaves(self, browser, alice, bob):
        assert browser(bob).delete(self.url).status_code == 204
        assert not Membership.objects.filter(pk=bob.pk).exists()
        (event,) = audited(Event.Action.MEMBER_REMOVED)
        assert event.actor == "bob@example.com"

    def test_an_admin_leaves_when_another_stays(self, api, alice):
        add_member("deputy@example.com", role=Role.ADMIN)
        assert api(alice).delete(self.url).status_code == 204

    def test_the_last_admin_stays(self, api, alice, bob):
        assert api(alice).delete(self.url).status_code == 409

    def test_a_key_that_may_make_no_changes_does_not_leave(self, api, bob):
        assert api(bob, scopes=[Scope.READ, Scope.RUN]).delete(self.url).status_code == 403
        assert Membership.objects.filter(pk=bob.pk).exists()

    def test_strangers_have_nothing_to_leave(self, api, acme, charlie):
        assert api(charlie).delete(self.url).status_code == 404
        assert Membership.objects.filter(pk=charlie.pk).exists()
