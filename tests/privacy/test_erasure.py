"""Somebody goes: the account closes at once, the names are erased later, and every sum stays true."""

from datetime import timedelta
from io import StringIO

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from gateway.models import Problem, Upload
from lunaportal.upkeep import tidy
from organizations import closing, services
from organizations.errors import Conflict
from organizations.models import Invitation
from organizations.permissions import Role
from privacy.erasure import REQUESTS_TAKE_AT_MOST, close_account, erase_closed_accounts
from quotas.models import DailyUsage, TimeQuotaPolicy, Usage
from quotas.services import assign_quota, release, reserve, settle
from solving.models import SolveJob, UploadedModel
from tests.conftest import join, refuse_job, send_problem, solved_job
from tokens.models import QpuToken

NOW = timezone.now()
LATER = NOW + REQUESTS_TAKE_AT_MOST
PAGE = "/accounts/delete/"


def spend(token, member, cost_ns):
    usage = reserve(token=token, by=member, estimate_ns=1000, source="gateway", now=NOW)
    settle(usage=usage, access_time_ns=cost_ns, now=NOW)
    return usage


def close(member, **changes):
    close_account(**{"user": member.user, "by": member.user, "now": NOW} | changes)


class TestClosing:
    def test_nothing_opens_any_more(self, api, browser, bob, bobs_token):
        program, page = api(bob), browser(bob)
        page.get("/")
        solved_job(bob)
        close(bob)

        assert program.get("/api/v1/users/me").status_code == 401
        assert page.get("/").status_code == 302
        for gone in (SolveJob, UploadedModel):
            assert not gone.objects.exists()
        assert not bob.user.memberships.exists()
        assert Event.objects.with_action("account_closed").get().actor == "bob@example.com"

    def test_the_last_admin_hands_over_first(self, alice, bob):
        with pytest.raises(Conflict, match="Make somebody else an admin first, or delete the organization: Acme"):
            close(alice)
        alice.user.refresh_from_db()
        assert alice.user.is_active

        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        close(alice)

        assert [member.user.email for member in alice.organization.memberships.all()] == ["bob@example.com"]

    def test_nobody_has_to_hand_over_what_is_closed(self, alice, acme):
        closing.close_organization(organization=acme, by=alice, now=NOW)
        close(alice)

        assert erase_closed_accounts(LATER) == 1

    def test_nothing_changes_when_the_audit_line_fails(self, bob, monkeypatch):
        monkeypatch.setattr("privacy.erasure.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            close(bob)

        assert User.objects.get(pk=bob.user_id).is_active
        assert bob.user.memberships.exists()


class TestErasing:
    def test_not_before_all_requests_are_over(self, bob):
        close(bob)

        assert erase_closed_accounts(LATER - timedelta(seconds=1)) == 0
        assert erase_closed_accounts(LATER) == 1

    def test_not_before_the_last_job_has_ended(self, bob, lab_token):
        usage = reserve(token=lab_token, by=bob, estimate_ns=1000, source="gateway", now=NOW)
        close(bob)

        assert erase_closed_accounts(LATER) == 0
        release(usage=usage, now=NOW)
        assert erase_closed_accounts(LATER) == 1

    def test_not_who_was_made_active_again(self, bob):
        close(bob)
        User.objects.filter(pk=bob.user_id).update(is_active=True)

        assert erase_closed_accounts(LATER) == 0

    def test_not_who_is_only_deactivated(self, bob):
        User.objects.filter(pk=bob.user_id).update(is_active=False)

        assert erase_closed_accounts(LATER) == 0

    def test_nothing_of_theirs_stays_but_the_audit_log(self, browser, alice, bob, bobs_token, lab_token):
        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        services.invite_all(emails=["dora@example.com"], role="member", by=bob, now=NOW)
        services.change_role(membership=bob, role=Role.MEMBER, by=alice)
        session_key = browser(bob).session.session_key
        UserSession.objects.create(user=bob.user, session_key=session_key, ip="127.0.0.1", user_agent="")
        sent = send_problem(token=lab_token, by=bob, now=NOW, label="Bob's wedding")
        settle(usage=sent.usage, access_time_ns=10, now=NOW)
        refuse_job(token=lab_token, by=bob, now=NOW)
        Upload.objects.create(upstream_id="up", token_id=lab_token.pk, user_id=bob.user_id)
        close(bob)
        services.invite_all(emails=["bob@example.com"], role="member", by=alice, now=NOW)
        erase_closed_accounts(LATER)

        assert not User.objects.filter(email="bob@example.com").exists()
        assert QpuToken.objects.get() == lab_token
        assert Problem.objects.get().label == ""
        assert Invitation.objects.get().invited_by == f"erased-{bob.user_id}@erased.invalid"
        assert not Upload.objects.exists()
        assert not UserSession.objects.exists()
        assert not Session.objects.exists()
        for model in apps.get_models():
            if model is not Event:
                assert "bob@example.com" not in str(list(model._base_manager.values())), model

    def test_the_line_that_says_so_names_nobody(self, bob):
        close(bob)
        erase_closed_accounts(LATER)

        event = Event.objects.with_action("account_erased").get()
        assert (event.target, event.target_id) == (f"erased-{bob.user_id}@erased.invalid", str(bob.user_id))

    def test_quotas_and_sums_stay_true(self, alice, bob, lab_token):
        policy = assign_quota(token=lab_token, member=None, quota_ns=10**9, by=alice, now=NOW)
        spend(lab_token, alice, 5)
        spend(lab_token, bob, 100)
        bob.user.email = "robert@example.com"  # rows of the same day, under two addresses
        bob.user.save()
        spend(lab_token, bob, 20)
        assert DailyUsage.objects.filter(user_id=bob.user_id).count() == 2
        close(bob)
        erase_closed_accounts(LATER)

        pseudonym = f"erased-{bob.user_id}@erased.invalid"
        assert list(Usage.objects.filter(user_id=bob.user_id).values_list("user_email", "access_time_ns")) == [
            (pseudonym, 100),
            (pseudonym, 20),
        ]
        (day,) = DailyUsage.objects.filter(user_id=bob.user_id)
        assert (day.user_email, day.settled_ns, day.jobs) == (pseudonym, 120, 2)
        assert DailyUsage.objects.get(user_id=alice.user_id).settled_ns == 5
        assert TimeQuotaPolicy.objects.get(pk=policy.pk).used_ns == 125
        call_command("check_ledger", stdout=StringIO())

    def test_it_is_part_of_tidying(self, bob):
        close(bob)

        assert tidy(LATER)["accounts"] == 1


class TestPage:
    def test_it_says_first_what_goes_and_what_stays(self, browser, bob, bobs_token):
        shown = browser(bob).get(PAGE).text

        for words in (
            "You leave 1 organization",
            "1 API key stops",
            "1 personal token",
            "under a pseudonym",
            "audit log",
        ):
            assert words in shown

    def test_the_address_has_to_be_typed(self, browser, bob):
        answer = browser(bob).post(PAGE, {"email": "alice@example.com"})

        assert answer.context["form"].errors == {"email": ["Type your address as it stands above the field."]}
        assert User.objects.get(pk=bob.user_id).is_active

    def test_it_deletes(self, browser, bob):
        client = browser(bob)

        answer = client.post(PAGE, {"email": "Bob@example.com"}, follow=True)

        assert answer.redirect_chain == [("/accounts/login/", 302)]
        assert "Your account is deleted." in answer.text
        assert not User.objects.get(pk=bob.user_id).is_active
        assert client.get("/").status_code == 302

    def test_the_last_admin_is_told_what_to_do(self, browser, alice, acme):
        client = browser(alice)

        assert 'href="/o/acme/members"' in client.get(PAGE).text
        answer = client.post(PAGE, {"email": "alice@example.com"})
        assert "Make somebody else an admin first" in answer.context["form"].non_field_errors()[0]
        assert User.objects.get(pk=alice.user_id).is_active

    def test_it_asks_no_more_of_who_administers_many(self, browser, alice, django_assert_max_num_queries):
        client = browser(alice)
        with CaptureQueriesContext(connection) as few:
            client.get("/accounts/delete/")
        for number in range(5):
            join(f"Lab {number}", alice.user.email, Role.ADMIN)
            join(f"Shared {number}", alice.user.email, Role.ADMIN)
            join(f"Shared {number}", "bob@example.com", Role.ADMIN)

        with django_assert_max_num_queries(len(few)):
            answer = client.get("/accounts/delete/")

        assert [str(each) for each in answer.context["to_hand_over"]] == ["Acme", *(f"Lab {n}" for n in range(5))]


class TestCommand:
    def test_an_operator_lets_somebody_go(self, bob):
        out = StringIO()
        call_command("erase_user", "bob@example.com", stdout=out)

        assert "The account is closed." in out.getvalue()
        assert erase_closed_accounts(timezone.now() + REQUESTS_TAKE_AT_MOST) == 1
        assert Event.objects.with_action("account_closed").get().actor == ""

    def test_it_names_what_has_to_be_handed_over(self, alice):
        join("Second Lab", "alice@example.com", Role.ADMIN)

        with pytest.raises(CommandError, match="Acme, Second Lab"):
            call_command("erase_user", "alice@example.com")

    def test_nobody_is_nobody(self, db):
        with pytest.raises(CommandError, match="Nobody signs in"):
            call_command("erase_user", "nobody@example.com")
