import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import Event

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(grace) -> User:
    """Grace, who has set up an authenticator app."""
    TOTP.activate(grace, "JBSWY3DPEHPK3PXP")
    return grace


@pytest.fixture
def at_work(client: Client, operator) -> Client:
    client.force_login(operator)
    return client


class TestWayIn:
    def test_strangers_sign_in_at_the_portal(self, client):
        response = client.get("/admin/", follow=True)
        assert response.redirect_chain[-1][0] == "/accounts/login/?next=/admin/"

    def test_people_who_are_no_operators_are_refused(self, client, ada):
        client.force_login(ada)
        assert client.get("/admin/", follow=True).status_code == 403
        assert client.get("/admin/accounts/user/", follow=True).status_code == 403

    def test_operators_without_a_second_factor_are_told_to_set_one_up(self, client, grace):
        client.force_login(grace)
        response = client.get("/admin/accounts/user/", follow=True)
        assert response.wsgi_request.path == "/accounts/2fa/"
        assert "need a second factor" in response.content.decode()

    def test_recovery_codes_alone_are_no_second_factor(self, client, grace):
        RecoveryCodes.activate(grace)
        client.force_login(grace)
        assert client.get("/admin/", follow=True).wsgi_request.path == "/accounts/2fa/"

    def test_the_installation_can_do_without(self, client, grace, settings):
        settings.REQUIRE_STAFF_MFA = False
        client.force_login(grace)
        assert client.get("/admin/").status_code == 200

    def test_operators_with_one_come_in(self, at_work):
        assert at_work.get("/admin/").status_code == 200
        assert at_work.get("/admin/login/")["Location"] == "/admin/"

    def test_no_form_of_the_admin_takes_a_password_without_the_second_factor(self, at_work, operator):
        other = User.objects.create_superuser("hedy@example.com", PASSWORD)
        TOTP.activate(other, "JBSWY3DPEHPK3PXP")
        at_work.post("/admin/login/", {"username": other.email, "password": PASSWORD})
        assert at_work.get("/admin/").wsgi_request.user == operator

    def test_passwords_are_changed_where_everybody_changes_them(self, at_work):
        assert at_work.get("/admin/password_change/")["Location"] == "/accounts/password/change/"


class TestSecrets:
    def test_allauths_pages_that_show_them_are_gone(self):
        for model in (Authenticator, SocialApp, SocialToken, SocialAccount):
            assert not admin.site.is_registered(model)

    def test_no_page_shows_one(self, at_work, operator):
        operator.refresh_from_db()
        factor = Authenticator.objects.get()
        for model in apps.get_models():
            if not admin.site.is_registered(model):
                continue
            info = (model._meta.app_label, model._meta.model_name)
            pages = [reverse("admin:{}_{}_changelist".format(*info))]
            pages += [reverse("admin:{}_{}_change".format(*info), args=[row.pk]) for row in model.objects.all()[:1]]
            for page in pages:
                content = at_work.get(page).content.decode()
                assert operator.password not in content, page
                assert factor.data["secret"] not in content, page
                assert at_work.session.session_key not in content, page


class TestPeople:
    def change(self, client: Client, user: User, **changes: object):
        data = {"first_name": user.first_name, "last_name": user.last_name, "is_active": "on"} | changes
        data = {name: value for name, value in data.items() if value}
        return client.post(f"/admin/accounts/user/{user.pk}/change/", data)

    def do(self, client: Client, action: str, user: User):
        return client.post("/admin/accounts/user/", {"action": action, "_selected_action": user.pk}, follow=True)

    def test_they_are_found_by_address_and_name(self, at_work, ada):
        for words in ("ada@", "Lovelace"):
            assert "ada@example.com" in at_work.get("/admin/accounts/user/", {"q": words}).content.decode()

    def test_operators_let_people_in_who_then_set_a_password_by_mail(self, at_work):
        at_work.post("/admin/accounts/user/add/", {"email": "Ida@Example.com", "is_active": "on"})
        ida = User.objects.get(email="ida@example.com")
        assert not ida.has_usable_password()
        assert ida.emailaddress_set.get().verified

    def test_operators_turn_accounts_off(self, at_work, ada, operator):
        self.change(at_work, ada, is_active=None)
        ada.refresh_from_db()
        assert not ada.is_active
        event = Event.objects.order_by("id").last()
        assert (event.action, event.actor, event.target) == ("admin_changed", operator.email, ada.email)
        assert event.details == {"change": "changed", "fields": "is_active"}

    def test_an_address_is_not_changed_here(self, at_work, ada):
        self.change(at_work, ada, email="mallory@example.com")
        ada.refresh_from_db()
        assert ada.email == "ada@example.com"

    def test_history_keeps_its_people(self, at_work, ada):
        assert at_work.post(f"/admin/accounts/user/{ada.pk}/delete/", {"post": "yes"}).status_code == 403
        self.do(at_work, "delete_selected", ada)
        assert User.objects.contains(ada)

    def test_operators_remove_lost_second_factors(self, at_work, ada, operator):
        TOTP.activate(ada, "JBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(ada)
        self.do(at_work, "remove_second_factors", ada)
        assert not Authenticator.objects.filter(user=ada).exists()
        assert Authenticator.objects.filter(user=operator).exists()
        events = Event.objects.filter(action="mfa_removed")
        assert {event.details["method"] for event in events} == {"totp", "recovery_codes"}
        assert {(event.actor, event.target) for event in events} == {(operator.email, ada.email)}

    def test_operators_confirm_addresses_that_no_mail_reaches(self, at_work, operator):
        ida = User.objects.create_user("ida@example.com")
        self.do(at_work, "confirm_email", ida)
        assert ida.emailaddress_set.get().verified
        assert Event.objects.order_by("id").last().target == ida.email

    def test_only_superusers_change_people(self, client, ada):
        helper = User.objects.create_user("helper@example.com", is_staff=True)
        TOTP.activate(helper, "JBSWY3DPEHPK3PXP")
        helper.user_permissions.set([permission for permission in all_permissions() if "user" in permission.codename])
        client.force_login(helper)
        assert client.get("/admin/accounts/user/").status_code == 200
        assert self.change(client, helper, is_superuser="on").status_code == 403
        assert client.post("/admin/accounts/user/add/", {"email": "x@example.com"}).status_code == 403
        TOTP.activate(ada, "JBSWY3DPEHPK3PXP")
        self.do(client, "remove_second_factors", ada)
        assert Authenticator.objects.filter(user=ada).exists()


def all_permissions():
    from django.contrib.auth.models import Permission

    return Permission.objects.all()
