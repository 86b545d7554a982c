"""An organization is closed, can be opened again for a week, and is then deleted by the worker."""

from datetime import timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from audit.models import Event
from gateway.reconcile import write_off
from lunaportal.upkeep import tidy
from organizations import closing, services
from organizations.errors import Conflict
from organizations.mails import send_closed
from organizations.models import ApiKey, Organization
from organizations.permissions import Role
from quotas.models import DailyUsage, TimeQuotaPolicy, Usage
from quotas.services import assign_quota, reserve, settle
from solving.models import SolveJob, UploadedModel
from tests.conftest import join, send_problem, solved_job
from tokens.models import QpuToken

from .conftest import ACME, add_user, audited

WEEK = Organization.DELETED_AFTER


@pytest.fixture
def closed(alice, bob):
    """Acme, which Alice has closed."""
    closing.close_organization(organization=alice.organization, by=alice, now=timezone.now())
    alice.organization.refresh_from_db()
    return alice.organization


class TestPage:
    def test_it_says_first_what_goes_and_what_stays(self, browser, alice, bob, lab_token):
        shown = browser(alice).get("/o/acme/close").text

        for words in ("2 members get in no more", "2 API keys stop working", "1 group token goes", "stay on record"):
            assert words in shown
        assert 'href="/o/acme/close"' in browser(alice).get("/o/acme/settings").text

    def test_its_name_has_to_be_typed(self, browser, alice, acme):
        answer = browser(alice).post("/o/acme/close", {"name": "acme"})

        assert answer.context["form"].errors == {"name": ["Type the name exactly as it stands above the field."]}
        acme.refresh_from_db()
        assert not acme.is_closed

    def test_it_closes(self, browser, alice, acme):
        answer = browser(alice).post("/o/acme/close", {"name": "Acme"}, follow=True)

        assert answer.redirect_chain == [("/o/acme/closed", 302)]
        assert "Acme is closed" in answer.text
        (event,) = audited(Event.Action.ORGANIZATION_CLOSED)
        assert (event.actor, event.target) == ("alice@example.com", "Acme")

    def test_it_asks_first_whether_it_is_really_them(self, alice, acme):
        alice.user.set_password("correct horse battery staple")
        alice.user.save()
        EmailAddress.objects.filter(user=alice.user).update(verified=True)
        long_signed_in = Client()
        long_signed_in.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")

        answer = long_signed_in.post("/o/acme/close", {"name": "Acme"})

        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
        acme.refresh_from_db()
        assert not acme.is_closed


class TestWhileItIsClosed:
    def test_all_its_pages_lead_to_the_way_back(self, browser, alice, closed):
        for address in ("/o/acme", "/o/acme/members", "/o/acme/settings", "/o/acme/close"):
            assert browser(alice).get(address)["Location"] == "/o/acme/closed"
        assert "Undo: open it again" in browser(alice).get("/o/acme/closed").text

    def test_members_see_that_it_is_closed_and_cannot_open_it(self, browser, bob, closed):
        assert "Its admins can open it again." in browser(bob).get("/o/acme/closed").text
        assert browser(bob).post("/o/acme/reopen").status_code == 403

    def test_strangers_see_nothing(self, browser, charlie, closed):
        assert browser(charlie).get("/o/acme/closed").status_code == 404

    def test_the_list_of_ones_organizations_says_so(self, browser, bob, closed):
        join("Second Lab", "bob@example.com", Role.MEMBER)

        assert browser(bob).get("/").text.count(">closed</span>") == 1

    def test_keys_do_not_work(self, api, alice, bob):
        client = api(bob)
        closing.close_organization(organization=alice.organization, by=alice, now=timezone.now())

        answer = client.get(ACME)

        assert answer.status_code == 401
        assert answer.json()["detail"] == "The organization of this API key has been closed."

    def test_sessions_get_nothing_from_the_api(self, browser, alice, closed):
        assert browser(alice).get(ACME).status_code == 403

    def test_nobody_joins(self, alice, acme):
        (invitation,) = services.invite_all(emails=["dora@example.com"], role="member", by=alice, now=timezone.now())
        closing.close_organization(organization=acme, by=alice, now=timezone.now())

        assert Client().get(f"/invitations/{invitation.token}").status_code == 404
        with pytest.raises(Conflict, match="no longer open"):
            services.accept_invitation(invitation=invitation, user=add_user("dora@example.com"), now=timezone.now())

    def test_operators_add_nobody_by_mistake(self, closed):
        with pytest.raises(ValidationError, match="is closed"):
            services.provide_member(organization="Acme", email="x@example.com", role="member", key_name="x")

    def test_jobs_that_run_are_booked_all_the_same(self, alice, bob, lab_token):
        now = timezone.now()
        policy = assign_quota(token=lab_token, member=None, quota_ns=10**9, by=alice, now=now)
        usage = reserve(token=lab_token, by=bob, estimate_ns=1000, source="gateway", now=now)
        closing.close_organization(organization=alice.organization, by=alice, now=now)

        assert settle(usage=usage, access_time_ns=900, now=now)

        policy.refresh_from_db()
        assert (policy.used_ns, policy.reserved_ns) == (900, 0)

    def test_it_cannot_be_closed_twice(self, alice, closed):
        with pytest.raises(Conflict):
            closing.close_organization(organization=closed, by=alice, now=timezone.now())

    def test_its_admins_are_told_by_mail_where_to_undo_it(self, closed):
        send_closed(closed.pk)

        (message,) = mail.outbox
        assert message.to == ["alice@example.com"]
        assert message.subject == "Acme is closed and will be deleted"
        assert "http://localhost/o/acme/closed\n" in message.body


class TestOpeningItAgain:
    def test_everything_is_as_before(self, browser, api, alice, bob, lab_token):
        client = api(bob)
        closing.close_organization(organization=alice.organization, by=alice, now=timezone.now())

        answer = browser(alice).post("/o/acme/reopen", follow=True)

        assert "The organization is open again" in answer.text
        assert client.get(ACME).status_code == 200
        assert audited(Event.Action.ORGANIZATION_REOPENED)

    def test_it_is_not_deleted_then(self, alice, closed):
        closing.reopen_organization(organization=closed, by=alice)

        assert closing.delete_closed_organizations(timezone.now() + 2 * WEEK) == 0

    def test_there_is_nothing_to_mail_then(self, alice, closed):
        closing.reopen_organization(organization=closed, by=alice)
        send_closed(closed.pk)

        assert not mail.outbox


class TestDeletion:
    def test_nothing_goes_before_the_week_is_over(self, closed):
        assert closing.delete_closed_organizations(closed.deleted_at - timedelta(seconds=1)) == 0

    def test_only_the_ledger_and_the_audit_log_stay(self, alice, bob, charlie, lab_token, bobs_token):
        now = timezone.now()
        assign_quota(token=lab_token, member=bob, quota_ns=10**9, by=alice, now=now)
        settle(
            usage=reserve(token=lab_token, by=bob, estimate_ns=1000, source="gateway", now=now),
            access_time_ns=900,
            now=now,
        )
        still_open = send_problem(token=lab_token, by=bob, now=now)
        solved_job(bob)
        closing.close_organization(organization=alice.organization, by=alice, now=now)

        assert closing.delete_closed_organizations(now + WEEK) == 1

        assert [organization.name for organization in Organization.objects.all()] == ["Globex"]
        for gone in (TimeQuotaPolicy, SolveJob, UploadedModel):
            assert not gone.objects.exists(), gone
        assert ApiKey.objects.get().membership == charlie
        assert QpuToken.objects.get() == bobs_token
        assert Usage.objects.count() == 2
        assert DailyUsage.objects.get().settled_ns == 900
        assert audited(Event.Action.ORGANIZATION_DELETED)[0].target == "Acme"

        write_off([still_open])  # what the reconciler does where there is no token any more
        assert not Usage.objects.open().exists()
        call_command("check_ledger", stdout=StringIO())

    def test_one_that_fails_keeps_no_other_from_going_and_comes_again(self, alice, charlie, monkeypatch):
        now = timezone.now()
        for admin in (alice, charlie):
            closing.close_organization(organization=admin.organization, by=admin, now=now)
        delete = Organization.delete

        def fail(organization):
            if organization.name == "Acme":
                raise closing.DatabaseError("deadlock detected")
            return delete(organization)

        monkeypatch.setattr(Organization, "delete", fail)
        assert closing.delete_closed_organizations(now + WEEK) == 1
        monkeypatch.undo()

        assert len(audited(Event.Action.ORGANIZATION_DELETED)) == 1
        assert closing.delete_closed_organizations(now + WEEK) == 1

    def test_it_is_part_of_tidying(self, closed):
        assert tidy(closed.deleted_at)["organizations"] == 1
