import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User

from .conftest import PASSWORD, hold_invitation, link_in

pytestmark = pytest.mark.django_db


def form(email: str = "ada@example.com", **changes: str) -> dict[str, str]:
    return {"email": email, "password1": PASSWORD, "password2": PASSWORD, **changes}


class TestOpen:
    def test_it_lets_people_in_once_they_have_confirmed_their_address(self, client, sign_in):
        response = client.post("/accounts/signup/", form(first_name="Ada", last_name="Lovelace"), follow=True)
        assert "Check your mail" in response.content.decode()

        assert not sign_in("ada@example.com").wsgi_request.user.is_authenticated

        confirm = link_in(mail.outbox[0])
        assert client.get(confirm).status_code == 200
        assert not EmailAddress.objects.get().verified  # mail scanners open links
        client.post(confirm)

        user = sign_in("ada@example.com").wsgi_request.user
        assert user.is_authenticated
        assert user.get_full_name() == "Ada Lovelace"

    def test_it_needs_no_names(self, client):
        client.post("/accounts/signup/", form())
        assert str(User.objects.get()) == User.objects.get().get_full_name() == "ada@example.com"

    def test_it_stores_addresses_in_lower_case(self, client):
        client.post("/accounts/signup/", form(" Ada@Example.COM "))
        assert User.objects.get().email == EmailAddress.objects.get().email == "ada@example.com"

    @pytest.mark.parametrize("email", ["ada@localhost", "ada@lab.test", "ada@lab.local", "ada@lab.invalid", "ada"])
    def test_it_says_next_to_the_field_which_addresses_the_sdk_refuses(self, client, email):
        response = client.post("/accounts/signup/", form(email))
        assert response.context["form"]["email"].errors
        assert 'id="id_email_error"' in response.content.decode()
        assert 'aria-describedby="id_email_error"' in response.content.decode()
        assert not User.objects.exists()

    def test_it_refuses_names_that_could_fake_the_text_of_a_mail(self, client):
        response = client.post("/accounts/signup/", form(first_name="Ada\nPay at https://evil.example"))
        assert response.context["form"]["first_name"].errors
        assert not User.objects.exists()

    @pytest.mark.parametrize("password", ["short", "password1234", "ada@example.com"])
    def test_it_refuses_weak_passwords(self, client, password):
        response = client.post("/accounts/signup/", form(password1=password, password2=password))
        assert response.context["form"]["password1"].errors
        assert not User.objects.exists()

    def test_it_does_not_tell_who_has_an_account(self, client, ada):
        known = client.post("/accounts/signup/", form("ADA@example.com"), follow=True)
        unknown = Client().post("/accounts/signup/", form("new@example.com"), follow=True)
        assert known.redirect_chain == unknown.redirect_chain
        assert known.content.decode().replace("ada@", "new@") == unknown.content.decode()

        told, _ = mail.outbox
        assert told.to == ["ada@example.com"]
        assert told.subject == "You have an account already"
        ada.refresh_from_db()
        assert ada.check_password(PASSWORD)

    def test_it_survives_a_double_click(self, client, ada, monkeypatch):
        """The same form twice at once: the second does not see the first's account when it checks."""
        monkeypatch.setattr(
            "allauth.account.forms.flows.manage_email.email_already_exists", lambda email: (email, False)
        )
        response = client.post("/accounts/signup/", form("ada@example.com"))
        assert response.status_code == 302
        assert response["Location"] == "/accounts/confirm-email/"
        assert User.objects.count() == 1


class TestByInvitation:
    @pytest.fixture(autouse=True)
    def by_invitation(self, settings):
        settings.SIGNUP = "invited"

    def test_it_is_closed_to_strangers(self, client):
        for response in (client.get("/accounts/signup/"), client.post("/accounts/signup/", form())):
            assert "by invitation" in response.content.decode()
        assert not User.objects.exists()
        assert not mail.outbox

    def test_the_sign_in_page_says_how_to_get_in(self, client):
        page = client.get("/accounts/login/").content.decode()
        assert "ask an admin of your organization" in page
        assert "/accounts/signup/" not in page

    def test_who_holds_an_invitation_needs_no_second_mail(self, client):
        hold_invitation(client, "ada@example.com")
        response = client.post("/accounts/signup/", form())
        assert response.status_code == 302
        assert EmailAddress.objects.get().verified
        assert client.get("/accounts/profile/").status_code == 200
        assert not mail.outbox

    def test_an_invitation_is_for_one_address(self, client):
        hold_invitation(client, "ada@example.com")
        client.post("/accounts/signup/", form("mallory@example.com"))
        assert User.objects.get().email == "ada@example.com"

    def test_an_invitation_lets_in_once(self, client):
        hold_invitation(client, "ada@example.com")
        client.post("/accounts/signup/", form())
        client.post("/accounts/logout/")
        assert "by invitation" in client.get("/accounts/signup/").content.decode()
