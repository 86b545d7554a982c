"""What the link in an invitation's mail opens."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from organizations import services
from organizations.errors import Conflict
from organizations.models import Invitation, Membership
from organizations.permissions import Role

from .conftest import add_user, at_once, audited

PASSWORD = "correct horse battery staple"


@pytest.fixture
def dora(db):
    return add_user("dora@example.com")


@pytest.fixture
def invitation(alice):
    return services.invite_all(emails=["dora@example.com"], role=Role.ADMIN, by=alice, now=timezone.now())[0]


@pytest.fixture
def link(invitation):
    return f"/invitations/{invitation.token}"


def accept(invitation, user, now=None):
    return services.accept_invitation(invitation=invitation, user=user, now=now or timezone.now())


class TestService:
    def test_one_joins_in_the_role_that_was_offered(self, invitation, dora):
        membership = accept(invitation, dora)
        assert (membership.user, membership.organization, membership.role) == (dora, invitation.organization, "admin")
        assert Invitation.objects.get().accepted_at

        (event,) = audited(Event.Action.INVITATION_ACCEPTED)
        assert (event.actor, event.target, event.details) == (dora.email, str(invitation), {"role": "admin"})
        assert event.organization_id == invitation.organization_id

    def test_once(self, invitation, dora):
        accept(invitation, dora)
        with pytest.raises(Conflict):
            accept(invitation, dora)
        assert len(audited(Event.Action.INVITATION_ACCEPTED)) == 1

    def test_nobody_becomes_an_admin_through_who_is_none_any_more(self, alice, bob, dora):
        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        emails, now = ["dora@example.com"], timezone.now()
        (to_be_admin,) = services.invite_all(emails=emails, role=Role.ADMIN, by=bob, now=now)
        services.change_role(membership=bob, role=Role.MEMBER, by=alice)

        with pytest.raises(ValidationError, match="no longer an admin"):
            accept(to_be_admin, dora)

        (again,) = services.invite_all(emails=emails, role=Role.ADMIN, by=alice, now=now)
        assert accept(again, dora).is_admin

    def test_other_invitations_outlast_who_sent_them(self, alice, bob, dora):
        services.change_role(membership=bob, role=Role.ADMIN, by=alice)
        (invitation,) = services.invite_all(emails=["dora@example.com"], role=Role.MEMBER, by=bob, now=timezone.now())
        services.remove_member(membership=bob, by=alice)

        assert accept(invitation, dora).role == Role.MEMBER

    def test_it_is_for_whom_it_was_sent_to(self, invitation):
        with pytest.raises(ValidationError, match="another email address"):
            accept(invitation, add_user("mallory@example.com"))
        assert Invitation.objects.pending().exists()

    def test_the_address_must_be_confirmed(self, invitation, dora):
        EmailAddress.objects.update(verified=False)
        with pytest.raises(ValidationError):
            accept(invitation, dora)
        assert not dora.memberships.exists()

    def test_it_is_in_time_until_the_very_end(self, invitation, dora):
        with pytest.raises(Conflict):
            accept(invitation, dora, now=invitation.expires_at)
        assert accept(invitation, dora, now=invitation.expires_at - timedelta(microseconds=1))

    def test_it_is_withdrawn_when_revoked(self, alice, invitation, dora):
        services.revoke_invitation(invitation=invitation, by=alice, now=timezone.now())
        with pytest.raises(Conflict):
            accept(invitation, dora)

    def test_who_is_a_member_meanwhile_keeps_their_role(self, invitation, dora):
        Membership.objects.create(user=dora, organization=invitation.organization, role=Role.MEMBER)
        assert accept(invitation, dora).role == Role.MEMBER
        assert not Invitation.objects.pending().exists()

    def test_nobody_joins_when_the_audit_line_fails(self, invitation, dora, monkeypatch):
        monkeypatch.setattr("organizations.services.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            accept(invitation, dora)
        assert not dora.memberships.exists()
        assert Invitation.objects.pending().exists()


@pytest.mark.django_db(transaction=True)
def test_a_double_click_joins_once(invitation, dora):
    outcomes = at_once(*[lambda: accept(invitation, dora)] * 4)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 3 + ["Membership"]
    assert dora.memberships.count() == 1
    assert len(audited(Event.Action.INVITATION_ACCEPTED)) == 1


class TestLink:
    def is_closed(self, client, link) -> bool:
        pages = [client.get(link), client.post(link)]
        assert [page.status_code for page in pages] == [404, 404]
        return all("This invitation is not open" in page.content.decode() for page in pages)

    def test_opening_it_changes_nothing(self, client, link, dora):
        client.force_login(dora)
        page = client.get(link)
        assert page.status_code == 200
        assert "Join as dora@example.com" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        assert not dora.memberships.exists()

    def test_a_click_joins(self, client, link, dora):
        client.force_login(dora)
        response = client.post(link, follow=True)
        assert response.redirect_chain == [("/o/acme", 302)]
        assert "You are a member of Acme now." in response.content.decode()

    def test_another_site_cannot_click(self, link, dora):
        client = Client(enforce_csrf_checks=True)
        client.force_login(dora)
        assert client.post(link).status_code == 403
        assert not dora.memberships.exists()

    def test_it_works_once(self, client, link, dora):
        client.force_login(dora)
        client.post(link)
        assert self.is_closed(client, link)

    def test_somebody_else_is_told_so(self, client, link):
        mallory = add_user("mallory@example.com")
        client.force_login(mallory)
        page = client.get(link).content.decode()
        assert "This invitation is for another address." in page
        assert "Join as" not in page
        assert "for another email address" in client.post(link).content.decode()
        assert not mallory.memberships.exists()

    def test_they_can_sign_out_and_come_back(self, client, link):
        client.force_login(add_user("mallory@example.com"))
        response = client.post("/accounts/logout/", {"next": link})
        assert response["Location"] == link
        assert "Create an account" in client.get(link).content.decode()

    def test_signed_out_nobody_joins(self, client, link):
        page = client.post(link)
        assert "Create an account" in page.content.decode()
        assert Membership.objects.count() == 1

    def test_it_leads_those_who_have_an_account_through_sign_in(self, client, link, dora):
        dora.set_password(PASSWORD)
        dora.save()
        sign_in = f"/accounts/login/?next={link.replace(':', '%3A')}"
        assert sign_in.split("?")[0] in client.get(link).content.decode()
        response = client.post(sign_in, {"login": "dora@example.com", "password": PASSWORD})
        assert response["Location"] == link

    @pytest.mark.parametrize("change", ["revoked", "expired", "gone"])
    def test_it_closes(self, client, alice, invitation, link, change):
        match change:
            case "revoked":
                services.revoke_invitation(invitation=invitation, by=alice, now=timezone.now())
            case "expired":
                Invitation.objects.update(expires_at=timezone.now())
            case "gone":
                Invitation.objects.all().delete()
        assert self.is_closed(client, link)
        assert client.post(f"{link}/sign-up").status_code == 404

    def test_a_forged_one_is_closed(self, client, invitation):
        payload, signature = invitation.token.split(":")
        other = Invitation(pk=invitation.pk, email="mallory@example.com")
        forged = [
            "x",
            "%00",
            f"{payload}:{'A' * len(signature)}",
            f"{other.token.split(':')[0]}:{signature}",
            payload,
            f"{payload[:-2]}:{signature}",
            Invitation(pk=invitation.pk + 1, email=invitation.email).token,
            other.token,
            Signer(salt="another purpose").sign_object([invitation.pk, invitation.email]),
        ]
        for token in forged:
            assert self.is_closed(client, f"/invitations/{token}"), token
            assert client.post(f"/invitations/{token}/sign-up").status_code == 404


class TestSignUp:
    """The link has shown that the address is theirs, so that no second mail has to."""

    @pytest.fixture(autouse=True)
    def by_invitation_only(self, settings):
        settings.SIGNUP = "invited"

    def sign_up(self, client, link, email="dora@example.com"):
        response = client.post(f"{link}/sign-up")
        assert response.status_code == 302
        page = client.get(response["Location"])
        assert "dora@example.com" in page.content.decode()
        form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
        return client.post(response["Location"], form)

    def test_it_comes_back_to_the_invitation_signed_in(self, client, link):
        response = self.sign_up(client, link)
        assert response["Location"] == link
        assert EmailAddress.objects.get(email="dora@example.com").verified
        assert client.post(link)["Location"] == "/o/acme"
        assert not mail.outbox

    def test_another_address_is_not_taken(self, client, link):
        self.sign_up(client, link, email="mallory@example.com")
        assert not User.objects.filter(email="mallory@example.com").exists()
        assert not EmailAddress.objects.filter(email="mallory@example.com").exists()

    def test_without_the_link_sign_up_stays_closed(self, client, link):
        client.get(link)
        assert "by invitation" in client.get("/accounts/signup/").content.decode()

    def test_it_takes_a_click(self, client, link):
        assert client.get(f"{link}/sign-up").status_code == 405
        assert Client(enforce_csrf_checks=True).post(f"{link}/sign-up").status_code == 403
