import pytest
from django.core import mail
from django.test import Client

from audit.models import Event

from .conftest import PASSWORD, link_in

pytestmark = pytest.mark.django_db
NEW = "an entirely different phrase"


class TestReset:
    def test_it_sets_a_new_password_by_a_link_that_works_once(self, client, ada, sign_in):
        client.post("/accounts/password/reset/", {"email": "ADA@example.com"})
        link = link_in(mail.outbox[0])
        form = client.get(link, follow=True).wsgi_request.path
        client.post(form, {"password1": NEW, "password2": NEW})

        ada.refresh_from_db()
        assert ada.check_password(NEW)
        assert Event.objects.get().action == "password_changed"
        assert mail.outbox[1].subject == "Your password was changed"
        assert "no longer works" in Client().get(link, follow=True).content.decode()

    def test_it_does_not_tell_who_has_an_account(self, client, ada):
        known = client.post("/accounts/password/reset/", {"email": ada.email}, follow=True)
        unknown = Client().post("/accounts/password/reset/", {"email": "ida@example.com"}, follow=True)
        assert known.redirect_chain == unknown.redirect_chain
        assert known.content == unknown.content
        assert [message.to for message in mail.outbox] == [["ada@example.com"], ["ida@example.com"]]
        assert mail.outbox[1].subject == "No account with this address"

    def test_it_does_not_let_around_a_second_factor(self, client, ada, sign_in):
        from .test_second_factors import turn_on

        sign_in(ada.email)
        turn_on(client)
        client.post("/accounts/logout/")
        client.post("/accounts/password/reset/", {"email": ada.email})
        form = client.get(link_in(mail.outbox[-1]), follow=True).wsgi_request.path
        client.post(form, {"password1": NEW, "password2": NEW})
        assert client.get("/accounts/profile/").status_code == 302
        assert sign_in(ada.email, NEW).wsgi_request.path == "/accounts/2fa/authenticate/"


class TestChange:
    def change(self, client: Client, old: str = PASSWORD) -> None:
        client.post("/accounts/password/change/", {"oldpassword": old, "password1": NEW, "password2": NEW})

    def test_it_ends_the_other_sessions(self, client, ada, sign_in):
        other = Client()
        other.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
        sign_in(ada.email)
        self.change(client)
        assert client.get("/accounts/profile/").status_code == 200
        assert other.get("/accounts/profile/").status_code == 302

    def test_it_is_audited_and_told_to_the_owner(self, client, ada, sign_in):
        sign_in(ada.email)
        self.change(client)
        event = Event.objects.order_by("id").last()
        assert (event.action, event.actor) == ("password_changed", ada.email)
        assert mail.outbox[0].subject == "Your password was changed"
        assert "127.0.0.1" in mail.outbox[0].body

    def test_it_works_while_no_mail_can_be_sent(self, client, ada, sign_in, settings):
        sign_in(ada.email)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
        self.change(client)
        ada.refresh_from_db()
        assert ada.check_password(NEW)

    def test_it_needs_the_old_one(self, client, ada, sign_in):
        sign_in(ada.email)
        self.change(client, old="wrong")
        ada.refresh_from_db()
        assert ada.check_password(PASSWORD)
        assert not Event.objects.filter(action="password_changed").exists()
