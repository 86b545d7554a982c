"""Sessions that somebody else has begun, has copied, or has kept."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.sessions.models import Session
from django.test import Client

from tests.attacks.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another long password"


@pytest.fixture
def ada(alice, with_password):
    return with_password(alice.user)


def sign_in(client, email):
    return client.post("/accounts/login/", {"login": email, "password": PASSWORD})


def is_signed_in(client):
    return client.get("/accounts/profile/").status_code == 200


def copy_of(client):
    """Another browser with the same cookies."""
    copy = Client()
    copy.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return copy


def test_a_session_that_was_there_before_signing_in_is_not_the_one_afterwards(client, ada):
    client.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    planted = copy_of(client)

    sign_in(client, ada.email)

    assert is_signed_in(client)
    assert not is_signed_in(planted)


def test_an_id_that_somebody_made_up_is_not_taken(ada):
    client = Client()
    client.cookies["sessionid"] = "a" * 32

    sign_in(client, ada.email)

    assert client.cookies["sessionid"].value != "a" * 32
    assert not Session.objects.filter(session_key="a" * 32).exists()


def test_the_csrf_token_changes_with_the_person(client, ada):
    before = client.get("/accounts/login/").cookies["csrftoken"].value

    assert sign_in(client, ada.email).cookies["csrftoken"].value != before


def test_signing_out_ends_the_session_on_the_server(client, ada):
    sign_in(client, ada.email)
    copy = copy_of(client)

    client.post("/accounts/logout/")

    assert not is_signed_in(copy)


def test_a_new_password_ends_all_copies(client, ada):
    sign_in(client, ada.email)
    copy = copy_of(client)

    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

    assert is_signed_in(client)
    assert not is_signed_in(copy)


def test_a_password_alone_opens_nothing_where_there_is_a_second_factor(client, ada):
    TOTP.activate(ada, generate_totp_secret())
    sign_in(client, ada.email)

    for path in ("/", "/o/acme", "/o/acme/keys", "/accounts/2fa/", "/accounts/profile/"):
        assert client.get(path).status_code == 302
    assert client.get("/api/v1/organizations/acme").status_code == 401


@pytest.mark.parametrize(
    "path", ["/accounts/2fa/totp/activate/", "/accounts/2fa/recovery-codes/generate/", "/accounts/email/"]
)
def test_whoever_finds_an_open_browser_is_asked_for_the_password(client, ada, path):
    """What somebody signs in with is not changed by a session alone."""
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    answer = client.post(path, {"code": "000000", "email": "mallory@example.com", "action_add": ""})

    assert answer.status_code == 302
    assert "/reauthenticate/" in answer["Location"]


def test_who_leaves_an_organization_keeps_neither_session_nor_key_to_it(browser, api, alice, bob):
    page, program = browser(bob), api(bob)
    assert page.get("/o/acme").status_code == 200

    bob.delete()

    assert page.get("/o/acme").status_code == 404
    assert program.get("/api/v1/organizations/acme").status_code == 401
