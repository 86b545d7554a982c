"""What operators do to organizations in /admin/, and what no page there ever shows."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from organizations import services
from organizations.models import ApiKey, Invitation, Membership, Organization
from organizations.permissions import Role
from quotas import services as quotas
from quotas.models import Usage
from tests.conftest import SECRET

from .conftest import add_user, audited


def operator_client(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def no_second_factor(settings):
    settings.REQUIRE_STAFF_MFA = False


@pytest.fixture
def operator(db):
    return operator_client(User.objects.create_superuser("grace@example.com"))


@pytest.fixture
def world(alice, bob, lab_token, bobs_token):
    """One row, or more, of everything that operators can look at."""
    now = timezone.now()
    services.invite_all(emails=["dora@example.com"], role=Role.MEMBER, by=alice, now=now)
    quotas.assign_quota(token=lab_token, member=bob, quota_ns=10**9, by=alice, now=now)
    quotas.reserve(token=lab_token, by=bob, estimate_ns=10**6, source=Usage.Source.GATEWAY, now=now)


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


class TestEveryModel:
    def models(self):
        return [model for model in admin.site._registry if model._meta.app_label != "django_q"]

    def test_each_can_be_listed_searched_and_looked_at(self, operator, world):
        for model in self.models():
            assert operator.get(page(model, "changelist")).status_code == 200, model
            assert operator.get(page(model, "changelist") + "?q=alice+1").status_code == 200, model
            for row in model._default_manager.all()[:2]:
                assert operator.get(page(model, "change", row.pk)).status_code == 200, row
                assert operator.get(page(model, "history", row.pk)).status_code == 200, row

    def test_search_finds_people_and_organizations(self, operator, world):
        for model, wanted in [
            (Organization, "acme"),
            (Membership, "alice@example.com"),
            (Invitation, "dora@"),
            (ApiKey, "bob@example.com"),
        ]:
            found = operator.get(page(model, "changelist") + f"?q={wanted}").content.decode()
            assert "0 results" not in found, model
            assert "0 results" in operator.get(page(model, "changelist") + "?q=zzz").content.decode(), model

    def test_no_page_shows_a_secret_or_a_digest(self, operator, world, lab_token):
        key = ApiKey.objects.first()
        secrets = [SECRET, key.digest, lab_token.secret_digest, Invitation.objects.get().token]
        for model in self.models():
            urls = [page(model, "changelist")]
            urls += [page(model, "change", row.pk) for row in model._default_manager.all()]
            for url in urls:
                shown = operator.get(url).content.decode()
                assert not [secret for secret in secrets if secret in shown], url

    def test_members_who_are_no_operators_see_nothing(self, browser, alice, world):
        for model in self.models():
            assert browser(alice).get(page(model, "changelist")).status_code in {302, 403}, model


class TestOrganizations:
    def change(self, operator, organization, **changes):
        form = {"name": organization.name, "slug": organization.slug, "plan": organization.plan} | changes
        return operator.post(page(Organization, "change", organization.pk), form)

    def test_the_plan_is_changed_here(self, operator, acme):
        assert self.change(operator, acme, plan="basic").status_code == 302
        acme.refresh_from_db()
        assert acme.plan == "basic"
        (event,) = audited(Event.Action.ADMIN_CHANGED)
        assert (event.actor, event.target, event.organization_id) == ("grace@example.com", "Acme", acme.pk)
        assert event.details == {"change": "changed", "fields": "plan"}

    def test_nothing_changes_when_the_audit_line_fails(self, operator, acme, monkeypatch):
        monkeypatch.setattr("organizations.admin.log.record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            self.change(operator, acme, plan="basic")
        acme.refresh_from_db()
        assert acme.plan == "academic"

    def test_it_refuses_names_that_cannot_be_read(self, operator, acme):
        assert self.change(operator, acme, name="\u200b").status_code == 200
        acme.refresh_from_db()
        assert acme.name == "Acme"

    def test_one_is_closed_and_opened_again(self, operator, acme):
        for action, is_closed in [("close", True), ("reopen", False)]:
            form = {"action": action, "_selected_action": [acme.pk]}
            assert operator.post(page(Organization, "changelist"), form).status_code == 302
            acme.refresh_from_db()
            assert acme.is_closed == is_closed
        assert audited(Event.Action.ORGANIZATION_CLOSED)[0].actor == "grace@example.com"

    def test_an_open_one_cannot_be_deleted(self, operator, acme):
        assert operator.post(page(Organization, "delete", acme.pk), {"post": "yes"}).status_code == 403
        assert Organization.objects.exists()

    def test_a_closed_one_is_deleted_with_all_that_hangs_on_it(self, operator, acme, world):
        Organization.objects.update(closed_at=timezone.now())
        assert operator.post(page(Organization, "delete", acme.pk), {"post": "yes"}).status_code == 302
        assert not Organization.objects.exists()
        assert not ApiKey.objects.exists()
        assert Usage.objects.exists()
        assert audited(Event.Action.ADMIN_CHANGED)[-1].details == {"change": "deleted"}


class TestMemberships:
    def test_an_operator_adds_somebody(self, operator, acme):
        dora = add_user("dora@example.com")
        form = {"user": dora.pk, "organization": acme.pk, "role": "admin"}
        assert operator.post(page(Membership, "add"), form).status_code == 302
        assert dora.memberships.get().is_admin
        assert audited(Event.Action.ADMIN_CHANGED)[0].details == {
            "change": "added",
            "fields": "user, organization, role",
        }

    def test_an_operator_changes_a_role_and_nothing_else(self, operator, bob, charlie):
        form = {"role": "admin", "user": charlie.user_id, "organization": charlie.organization_id}
        operator.post(page(Membership, "change", bob.pk), form)
        changed = Membership.objects.get(pk=bob.pk)
        assert (changed.role, changed.user, changed.organization) == (Role.ADMIN, bob.user, bob.organization)

    def test_the_last_admin_stays_one(self, operator, alice, bob):
        response = operator.post(page(Membership, "change", alice.pk), {"role": "member"})
        assert "This is the last admin." in response.content.decode()
        assert operator.post(page(Membership, "delete", alice.pk), {"post": "yes"}).status_code == 403
        form = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
        operator.post(page(Membership, "changelist"), form)
        assert Membership.objects.get(pk=alice.pk).is_admin

    def test_somebody_is_taken_out_with_their_keys(self, operator, bob):
        assert operator.post(page(Membership, "delete", bob.pk), {"post": "yes"}).status_code == 302
        assert not ApiKey.objects.filter(membership__user=bob.user).exists()
        assert audited(Event.Action.ADMIN_CHANGED)[-1].target == "bob@example.com in Acme"


class TestKeys:
    def revoke(self, client, *keys):
        form = {"action": "revoke", "_selected_action": [key.pk for key in keys]}
        return client.post(page(ApiKey, "changelist"), form, follow=True)

    def test_they_are_revoked(self, operator, alice, bob):
        response = self.revoke(operator, alice.keys.get(), bob.keys.get())
        assert "The keys are revoked." in response.content.decode()
        assert not ApiKey.objects.filter(revoked_at=None).exists()
        lines = audited(Event.Action.KEY_REVOKED)
        assert [(line.actor, line.organization_id) for line in lines] == [
            ("grace@example.com", alice.organization_id)
        ] * 2

    def test_that_takes_the_right_to_change_keys(self, bob):
        clerk = User.objects.create_user("clerk@example.com", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_apikey"))
        assert operator_client(clerk).get(page(ApiKey, "changelist")).status_code == 200
        self.revoke(operator_client(clerk), bob.keys.get())
        assert bob.keys.get().revoked_at is None

    def test_nothing_else_is_done_to_them(self, operator, bob):
        key = bob.keys.get()
        assert operator.get(page(ApiKey, "add")).status_code == 403
        assert operator.post(page(ApiKey, "change", key.pk), {"name": "x"}).status_code == 403
        assert operator.post(page(ApiKey, "delete", key.pk), {"post": "yes"}).status_code == 403
