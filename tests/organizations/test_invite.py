"""Admins invite people, and the worker mails them a link."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.conf import Conf
from django_q.models import OrmQ

from audit.models import Event
from organizations import services
from organizations.errors import Conflict
from organizations.mails import send_invitation
from organizations.models import Invitation
from organizations.permissions import Role, Scope
from organizations.throttles import InvitationThrottle

from .conftest import ACME, at_once, audited

URL = f"{ACME}/invitations"


def invite(by, *emails, role=Role.MEMBER, now=None):
    return services.invite_all(emails=emails, role=role, by=by, now=now or timezone.now())


class TestService:
    def test_it_offers_membership_for_a_week(self, alice):
        now = timezone.now()
        (invitation,) = invite(alice, " Dora@Example.com ", role=Role.ADMIN, now=now)
        assert (invitation.email, invitation.role) == ("dora@example.com", "admin")
        assert invitation.invited_by == "alice@example.com"
        assert invitation.expires_at == now + timedelta(days=settings.INVITATION_DAYS)

        (event,) = audited(Event.Action.INVITATION_SENT)
        assert (event.target, event.details) == ("dora@example.com to Acme", {"role": "admin"})

    def test_again_renews_it(self, alice):
        (first,) = invite(alice, "dora@example.com")
        later = timezone.now() + timedelta(days=3)
        (second,) = invite(alice, "dora@example.com", role=Role.ADMIN, now=later)
        assert second == first
        assert Invitation.objects.get().expires_at == later + timedelta(days=settings.INVITATION_DAYS)
        assert Invitation.objects.get().role == Role.ADMIN
        assert len(audited(Event.Action.INVITATION_RESENT)) == 1

    def test_after_it_was_revoked_there_is_a_new_one(self, alice):
        (first,) = invite(alice, "dora@example.com")
        services.revoke_invitation(invitation=first, by=alice, now=timezone.now())
        (second,) = invite(alice, "dora@example.com")
        assert second.pk != first.pk
        assert second.token != first.token

    def test_one_address_twice_is_one_invitation(self, alice):
        assert len(invite(alice, "dora@example.com", "DORA@example.com ", "emil@example.com")) == 2

    def test_it_invites_everybody_or_nobody(self, alice, bob, django_capture_on_commit_callbacks):
        with (
            django_capture_on_commit_callbacks(execute=True),
            pytest.raises(ValidationError) as refusal,
        ):
            invite(alice, "dora@example.com", "emil@localhost", "nonsense", "bob@example.com")
        assert refusal.value.message_dict.keys() == {"emails.1", "emails.2", "emails.3"}
        assert not Invitation.objects.exists()
        assert not audited(Event.Action.INVITATION_SENT)
        assert not mail.outbox

    def test_who_is_a_member_already_is_a_conflict(self, alice, bob):
        with pytest.raises(Conflict) as refusal:
            invite(alice, "dora@example.com", "Bob@example.com")
        assert refusal.value.message_dict == {"emails.1": ["This person is a member already."]}
        assert not Invitation.objects.exists()

    def test_the_same_person_can_be_invited_to_two_organizations(self, alice, charlie):
        invite(alice, "dora@example.com")
        invite(charlie, "dora@example.com")
        assert Invitation.objects.count() == 2

    def test_nobody_is_invited_when_the_audit_line_fails(self, alice, monkeypatch):
        monkeypatch.setattr("organizations.services.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            invite(alice, "dora@example.com")
        assert not Invitation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_invite_the_same_person_at_once_make_one_invitation(alice):
    outcomes = at_once(*[lambda: invite(alice, "dora@example.com")] * 4)
    assert {type(outcome) for outcome in outcomes} == {list}
    assert Invitation.objects.count() == 1


class TestMail:
    def test_it_goes_out_after_the_commit(self, alice, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            (invitation,) = invite(alice, "dora@example.com")
            assert not mail.outbox
        (message,) = mail.outbox
        assert message.to == ["dora@example.com"]
        assert message.subject == "Join Acme on Luna Portal"
        assert "alice@example.com invites you" in message.body
        assert f"{settings.PORTAL_URL}/invitations/{invitation.token}\n" in message.body

    def test_the_task_table_holds_the_id_and_nothing_secret(
        self, alice, django_capture_on_commit_callbacks, monkeypatch
    ):
        monkeypatch.setattr(Conf, "SYNC", False)
        with django_capture_on_commit_callbacks(execute=True):
            (invitation,) = invite(alice, "dora@example.com")
        task = OrmQ.objects.get().task
        assert (task["args"], task["kwargs"]) == ((invitation.pk,), {})
        assert invitation.token not in str(task)
        assert not mail.outbox

        import_string(task["func"])(*task["args"])
        assert len(mail.outbox) == 1

    @pytest.mark.parametrize("closed_at", ["accepted_at", "revoked_at"])
    def test_there_is_none_for_an_invitation_that_was_closed_meanwhile(self, alice, closed_at):
        (invitation,) = invite(alice, "dora@example.com")
        Invitation.objects.update(**{closed_at: timezone.now()})
        send_invitation(invitation.pk)
        assert not mail.outbox

    def test_names_are_written_as_they_are(self, alice):
        services.change_organization(name="Bits & <Qubits>", by=alice)
        (invitation,) = invite(alice, "dora@example.com")
        send_invitation(invitation.pk)
        assert mail.outbox[0].subject == "Join Bits & <Qubits> on Luna Portal"
        assert "Bits & <Qubits>" in mail.outbox[0].body


class TestApi:
    def test_an_admin_invites(self, api, alice):
        response = api(alice).post(URL, {"emails": ["dora@example.com", "emil@example.com"]}, format="json")
        assert response.status_code == 201
        first, second = response.json()
        assert first.keys() == {"id", "email", "role", "invited_by", "created_at", "expires_at"}
        assert (first["email"], first["role"], second["email"]) == ("dora@example.com", "member", "emil@example.com")

    def test_nothing_that_opens_the_invitation_is_answered(self, api, alice):
        content = api(alice).post(URL, {"emails": ["dora@example.com"]}, format="json").content.decode()
        assert Invitation.objects.get().token not in content

    def test_it_says_which_addresses_are_wrong(self, api, alice, bob):
        response = api(alice).post(URL, {"emails": ["dora@example.com", "x", "bob@example.com"]}, format="json")
        assert response.status_code == 422
        assert response.json()["errors"].keys() == {"emails.1", "emails.2"}

        response = api(alice).post(URL, {"emails": ["bob@example.com"]}, format="json")
        assert response.status_code == 409

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"emails": []},
            {"emails": "dora@example.com"},
            {"emails": [None]},
            {"emails": [["dora@example.com"]]},
            {"emails": ["dora@example.com\nBcc: everybody@example.com"]},
            {"emails": ["x" * 300 + "@example.com"]},
            {"emails": [f"user{number}@example.com" for number in range(501)]},
            {"emails": ["dora@example.com"], "role": "owner"},
        ],
    )
    def test_it_refuses_nonsense(self, api, alice, body):
        assert api(alice).post(URL, body, format="json").status_code == 422
        assert not Invitation.objects.exists()

    def test_members_cannot(self, api, alice, bob):
        assert api(bob).get(URL).status_code == 403
        assert api(bob).post(URL, {"emails": ["dora@example.com"]}, format="json").status_code == 403
        client = api(alice, scopes=[Scope.READ])
        assert client.get(URL).status_code == 200
        assert client.post(URL, {"emails": ["dora@example.com"]}, format="json").status_code == 403
        assert not Invitation.objects.exists()

    def test_strangers_find_nothing(self, api, alice, charlie):
        (invitation,) = invite(alice, "dora@example.com")
        assert api(charlie).get(URL).status_code == 404
        assert api(charlie).post(URL, {"emails": ["charlie@example.com"]}, format="json").status_code == 404
        for url in f"{URL}/{invitation.pk}", f"/api/v1/organizations/globex/invitations/{invitation.pk}":
            assert api(charlie).get(url).status_code == 404
            assert api(charlie).delete(url).status_code == 404
        assert Invitation.objects.pending().count() == 1

    def test_there_is_a_limit_to_how_often(self, api, alice, monkeypatch):
        monkeypatch.setattr(InvitationThrottle, "THROTTLE_RATES", {"invitations": "2/hour"})
        client = api(alice)
        answers = [client.post(URL, {"emails": ["dora@example.com"]}, format="json") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert 3500 < int(answers[2]["Retry-After"]) <= 3601
        assert answers[2].json()["internal_code"] == "TOO_MANY_REQUESTS"
        assert client.get(URL).status_code == 200

    def test_each_address_counts(self, api, alice, monkeypatch):
        monkeypatch.setattr(InvitationThrottle, "THROTTLE_RATES", {"invitations": "3/hour"})
        client = api(alice)
        bodies = [["a@example.com", "b@example.com"], ["c@example.com", "d@example.com"], ["c@example.com"]]
        answers = [client.post(URL, {"emails": emails}, format="json") for emails in bodies]
        assert [answer.status_code for answer in answers] == [201, 429, 201]
        assert 3500 < int(answers[1]["Retry-After"]) <= 3601
        assert Invitation.objects.count() == 3

    def test_those_of_the_pages_count_too(self, api, browser, alice, monkeypatch):
        monkeypatch.setattr(InvitationThrottle, "THROTTLE_RATES", {"invitations": "2/hour"})
        api(alice).post(URL, {"emails": ["a@example.com"]}, format="json")
        form = {"people": "b@example.com\nc@example.com", "role": "member"}
        answer = browser(alice).post("/o/acme/members/invite/send", form)
        assert "These are too many invitations for one hour." in answer.text
        assert Invitation.objects.count() == 1

    @pytest.mark.parametrize("body", ["x", [1], {"emails": 7}, {"emails": []}, {}])
    def test_what_makes_no_sense_counts_as_one(self, api, alice, body):
        assert api(alice).post(URL, body, format="json").status_code == 422


class TestList:
    @pytest.fixture
    def invitations(self, alice):
        return invite(alice, "dora@example.com", "emil@example.org", "fritz@example.com")

    def test_it_shows_what_is_pending_newest_first(self, api, alice, charlie, invitations):
        invite(charlie, "gustav@example.com")
        services.revoke_invitation(invitation=invitations[1], by=alice, now=timezone.now())
        listed = api(alice).get(URL).json()["results"]
        assert [one["email"] for one in listed] == ["fritz@example.com", "dora@example.com"]
        assert api(alice).get(f"{URL}/{invitations[0].pk}").json()["email"] == "dora@example.com"

    @pytest.mark.parametrize(
        ("query", "found"), [("search=DORA", ["dora"]), ("order=id&limit=2", ["dora", "emil"]), ("search=x%00", None)]
    )
    def test_it_finds(self, api, alice, invitations, query, found):
        response = api(alice).get(f"{URL}?{query}")
        if found is None:
            assert response.status_code == 422
        else:
            assert [one["email"].partition("@")[0] for one in response.json()["results"]] == found


class TestRevoke:
    def test_it_is_gone_from_the_list(self, api, alice):
        (invitation,) = invite(alice, "dora@example.com")
        client = api(alice)
        assert client.delete(f"{URL}/{invitation.pk}").status_code == 204
        assert client.get(f"{URL}/{invitation.pk}").status_code == 404
        assert client.delete(f"{URL}/{invitation.pk}").status_code == 404
        assert len(audited(Event.Action.INVITATION_REVOKED)) == 1

    def test_what_was_accepted_cannot_be_revoked(self, alice):
        (invitation,) = invite(alice, "dora@example.com")
        Invitation.objects.update(accepted_at=timezone.now())
        with pytest.raises(Conflict):
            services.revoke_invitation(invitation=invitation, by=alice, now=timezone.now())
        assert not audited(Event.Action.INVITATION_REVOKED)

    def test_members_cannot(self, api, alice, bob):
        (invitation,) = invite(alice, "dora@example.com")
        assert api(bob).delete(f"{URL}/{invitation.pk}").status_code == 403
        assert api(alice, scopes=[Scope.READ]).delete(f"{URL}/{invitation.pk}").status_code == 403
        assert Invitation.objects.pending().exists()
