import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client

from accounts.models import User
from audit.models import Event

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(Event.objects.order_by("id").values_list("action", flat=True))


def test_it_takes_addresses_without_regard_to_case(ada, sign_in):
    assert sign_in("ADA@Example.com").wsgi_request.user == ada


def test_it_leads_to_where_people_wanted_to_go_but_never_elsewhere(client, ada):
    data = {"login": ada.email, "password": PASSWORD}
    assert client.post("/accounts/login/?next=/accounts/profile/", data)["Location"] == "/accounts/profile/"
    assert Client().post("/accounts/login/?next=https://evil.example/", data)["Location"] == "/"


def test_strangers_are_sent_to_it(client):
    assert client.get("/accounts/profile/")["Location"] == "/accounts/login/?next=/accounts/profile/"


def test_it_answers_the_same_to_a_wrong_password_and_to_an_unknown_address(ada, client):
    wrong = client.post("/accounts/login/", {"login": ada.email, "password": "wrong"})
    unknown = client.post("/accounts/login/", {"login": "ida@example.com", "password": "wrong"})
    assert wrong.context["form"].errors == unknown.context["form"].errors


def test_inactive_people_stay_out_and_are_thrown_out(ada, client, sign_in):
    sign_in(ada.email)
    User.objects.update(is_active=False)
    assert client.get("/accounts/profile/").status_code == 302
    assert "turned off" in sign_in(ada.email).content.decode()
    assert client.get("/accounts/profile/").status_code == 302


def test_five_wrong_passwords_close_the_account_for_a_while(ada, client, sign_in):
    for _ in range(5):
        sign_in(ada.email, "wrong")
    response = sign_in(ada.email)
    assert not response.wsgi_request.user.is_authenticated
    assert "Too many failed login attempts" in response.content.decode()


class TestClientAddress:
    def test_it_is_remote_addr_whatever_the_headers_claim(self, ada, sign_in):
        forged = dict.fromkeys(("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_CF_CONNECTING_IP"), "203.0.113.9")
        sign_in(ada.email, REMOTE_ADDR="198.51.100.7", **forged)
        assert UserSession.objects.get().ip == Event.objects.get().address == "198.51.100.7"

    def test_forged_headers_do_not_get_around_the_limits(self, client):
        for attempt in range(11):
            data = {"login": f"user{attempt}@example.com", "password": "wrong"}
            response = client.post("/accounts/login/", data, HTTP_X_FORWARDED_FOR=f"203.0.113.{attempt}")
        assert "Too many failed login attempts" in response.content.decode()

    def test_a_unix_socket_has_none_and_works_all_the_same(self, ada, sign_in):
        assert sign_in(ada.email, REMOTE_ADDR="").wsgi_request.user == ada


class TestAudit:
    def test_signing_in_and_out(self, ada, client, sign_in):
        sign_in(ada.email)
        client.post("/accounts/logout/")
        assert actions() == ["user_signed_in", "user_signed_out"]
        assert {event.actor for event in Event.objects.all()} == {ada.email}

    def test_a_failure_names_the_account_that_was_meant(self, ada, sign_in):
        sign_in("Ada@example.com", "wrong")
        event = Event.objects.get()
        assert (event.action, event.actor, event.target) == ("user_sign_in_failed", "", ada.email)
        assert event.address == "127.0.0.1"

    def test_a_failure_does_not_keep_what_was_typed(self, ada, sign_in):
        sign_in("hunter2hunter2@example.com", "wrong-password-typed")
        event = Event.objects.get()
        assert event.action == "user_sign_in_failed"
        assert "hunter2" not in str(vars(event))
        assert "wrong-password-typed" not in str(vars(event))

    def test_nobody_is_signed_in_without_a_line(self, ada, client, monkeypatch):
        monkeypatch.setattr("audit.log.Event.save", lambda event, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
        assert client.get("/accounts/profile/").status_code == 302


def test_sessions_are_listed_and_can_be_ended(ada, client, sign_in):
    sign_in(ada.email)
    other = Client(headers={"User-Agent": "Mosaic/0.9"})
    other.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert "Mosaic/0.9" in client.get("/accounts/sessions/").content.decode()
    client.post("/accounts/sessions/")
    assert other.get("/accounts/profile/").status_code == 302
    assert client.get("/accounts/profile/").status_code == 200
    assert not mail.outbox


def test_operators_from_the_command_line_need_no_mail_server(grace, sign_in):
    assert sign_in(grace.email).wsgi_request.user == grace


class TestPasskey:
    def test_it_starts_with_a_challenge(self, client):
        response = client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
        assert response.json()["request_options"]["publicKey"]["rpId"] == "testserver"

    @pytest.mark.parametrize(
        "credential",
        [
            "",
            "no JSON",
            "[]",
            "{}",
            '{"id": 1}',
            '{"response": "x"}',
            '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}',
            '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"clientDataJSON": "AAAA"}}',
        ],
    )
    def test_it_refuses_what_no_browser_sends(self, client, credential):
        client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
        response = client.post("/accounts/2fa/webauthn/login/", {"credential": credential})
        assert response.status_code == 302
        assert response["Location"] == "/accounts/login/"
