"""OpenID Connect through the pages, against an identity provider that is played by the test."""

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core import mail
from django.http import HttpResponse
from django.test import Client

from accounts.adapters import SocialAccountAdapter
from accounts.models import User
from audit.models import Event

from .conftest import hold_invitation
from .test_pages import check
from .test_second_factors import turn_on

pytestmark = pytest.mark.django_db

IDP = "https://idp.example.com"
ANSWERS = {
    f"{IDP}/.well-known/openid-configuration": {
        "issuer": IDP,
        "authorization_endpoint": f"{IDP}/authorize",
        "token_endpoint": f"{IDP}/token",
        "userinfo_endpoint": f"{IDP}/userinfo",
    },
    f"{IDP}/token": {"access_token": "canary-access-token", "token_type": "Bearer"},
}


@pytest.fixture
def provider(settings) -> dict[str, object]:
    """What the operator has put into OIDC_PROVIDERS."""
    app = {
        "provider_id": "uni",
        "name": "University",
        "client_id": "portal",
        "secret": "canary-client-secret",
        "settings": {"server_url": IDP},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    return app


@pytest.fixture
def sign_in_as(client: Client, provider, monkeypatch) -> Callable[..., HttpResponse]:
    """sign_in_as(**claims): go to the identity provider and come back as whom it says one is."""

    def go(**claims: object) -> HttpResponse:
        process = claims.pop("process", "login")
        answers = ANSWERS | {f"{IDP}/userinfo": {"sub": "1", "email_verified": True} | claims}

        def answer(method: str, url: str = "", **kwargs: object) -> SimpleNamespace:
            found = answers[url or method]
            headers = {"content-type": "application/json"}
            return SimpleNamespace(json=lambda: found, status_code=200, headers=headers, raise_for_status=lambda: None)

        session = SimpleNamespace(get=answer, request=answer)
        monkeypatch.setattr(SocialAccountAdapter, "get_requests_session", lambda self: nullcontext(session))
        away = client.post(f"/accounts/oidc/uni/login/?process={process}")
        query = parse_qs(urlsplit(away["Location"]).query)
        assert away["Location"].startswith(f"{IDP}/authorize?")
        assert query["code_challenge_method"] == ["S256"]
        back = {"code": "1", "state": query["state"][0]}
        return client.get("/accounts/oidc/uni/login/callback/", back, follow=True)

    return go


def signed_in(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


class TestNewPeople:
    def test_an_address_that_the_provider_vouches_for_gets_an_account(self, client, sign_in_as):
        sign_in_as(email="Ada@Example.com", given_name="Ada", family_name="Lovelace")
        assert signed_in(client)
        user = User.objects.get()
        assert (user.email, user.get_full_name()) == ("ada@example.com", "Ada Lovelace")
        assert EmailAddress.objects.get().verified
        assert not user.has_usable_password()
        assert Event.objects.order_by("id").first().action == "user_signed_up"

    @pytest.mark.parametrize("claim", [False, "false", None, 0, "no"])
    def test_an_address_that_it_does_not_vouch_for_gets_none(self, client, sign_in_as, claim):
        response = sign_in_as(email="ada@example.com", email_verified=claim)
        assert "no confirmed email address" in response.content.decode()
        assert not signed_in(client)
        assert not User.objects.exists()

    def test_some_providers_spell_yes_as_text(self, client, sign_in_as):
        sign_in_as(email="ada@example.com", email_verified="true")
        assert signed_in(client)

    @pytest.mark.parametrize("claims", [{}, {"email": "ada@lab.local"}, {"email": "not an address"}])
    def test_an_address_that_cannot_be_used_gets_none(self, client, sign_in_as, claims):
        sign_in_as(**claims)
        assert not signed_in(client)
        assert not User.objects.exists()

    def test_no_token_of_the_provider_is_kept(self, client, sign_in_as):
        sign_in_as(email="ada@example.com")
        assert not SocialToken.objects.exists()
        assert "canary" not in str(vars(SocialAccount.objects.get()))


class TestByInvitation:
    @pytest.fixture(autouse=True)
    def by_invitation(self, settings):
        settings.SIGNUP = "invited"

    def test_strangers_stay_out(self, client, sign_in_as):
        assert "by invitation" in sign_in_as(email="ada@example.com").content.decode()
        assert not User.objects.exists()

    def test_the_invited_come_in(self, client, sign_in_as):
        hold_invitation(client, "ada@example.com")
        sign_in_as(email="ada@example.com")
        assert signed_in(client)

    def test_the_invitation_must_be_theirs(self, client, sign_in_as):
        hold_invitation(client, "ida@example.com")
        assert "invitation is for ida@example.com" in sign_in_as(email="ada@example.com").content.decode()
        assert not User.objects.exists()


class TestPeopleWithAnAccount:
    def test_the_provider_does_not_open_it_by_itself(self, ada, client, sign_in_as):
        sign_in_as(email=ada.email)
        assert not signed_in(client)
        assert not SocialAccount.objects.exists()
        assert mail.outbox[0].subject == "You have an account already"

    def test_it_does_where_the_operator_trusts_it_to(self, ada, client, sign_in_as, provider):
        provider["settings"]["email_authentication"] = True
        sign_in_as(email=ada.email)
        assert signed_in(client)

    @pytest.mark.parametrize("claim", [False, "false", None])
    def test_even_then_it_must_vouch_for_the_address(self, ada, client, sign_in_as, provider, claim):
        provider["settings"]["email_authentication"] = True
        sign_in_as(email=ada.email, email_verified=claim)
        assert not signed_in(client)

    def test_they_can_connect_it(self, ada, client, sign_in, confirm_identity, sign_in_as):
        sign_in(ada.email)
        confirm_identity()
        sign_in_as(email="other@example.com", process="connect")
        assert SocialAccount.objects.get().user == ada
        client.post("/accounts/logout/")

        sign_in_as(email="other@example.com")
        assert signed_in(client)
        ada.refresh_from_db()
        assert ada.email == "ada@example.com"

        confirm_identity()
        client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
        assert not SocialAccount.objects.exists()
        events = Event.objects.filter(action__startswith="sso").order_by("id")
        assert [event.action for event in events] == ["sso_connected", "sso_disconnected"]
        assert {event.details["provider"] for event in events} == {"uni"}

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("stopped_clock")
    def test_it_does_not_stand_in_for_a_second_factor(self, ada, client, sign_in, sign_in_as, provider):
        provider["settings"]["email_authentication"] = True
        sign_in(ada.email)
        turn_on(client)
        client.post("/accounts/logout/")
        assert sign_in_as(email=ada.email).wsgi_request.path == "/accounts/2fa/authenticate/"
        assert not signed_in(client)


def test_a_failure_is_explained(client, provider, db):
    response = client.get("/accounts/oidc/uni/login/callback/", {"error": "server_error", "state": "made-up"})
    assert response.status_code == 401
    assert "That sign-in did not work" in check(response)


def test_the_sign_in_page_offers_it(client, provider, db):
    page = client.get("/accounts/login/").content.decode()
    assert "University" in page
    assert "canary-client-secret" not in page
