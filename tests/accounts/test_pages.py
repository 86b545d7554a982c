"""Every page about people: it answers, in our look, and the Content-Security-Policy has nothing to forbid."""

from html.parser import HTMLParser

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.views import defaults

from accounts.models import User

from .conftest import PASSWORD, link_in
from .test_second_factors import turn_on

pytestmark = pytest.mark.django_db


class Inline(HTMLParser):
    """Collects what a policy of 'self' forbids: styles and scripts that are not files of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        runs = tag == "script" and "src" not in given and given.get("type") != "application/json"
        handlers = [name for name in given if name.startswith("on") or name in ("style", "hx-on")]
        elsewhere = tag in ("script", "link", "img") and (given.get("src") or given.get("href") or "").startswith(
            "http"
        )
        if tag == "style" or runs or handlers or elsewhere:
            self.found.append(self.get_starttag_text() or tag)


def check(response) -> str:
    page = response.content.decode()
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "/static/css/portal.css" in page
    assert page.count("<main") == page.count("<h1") == 1
    inline = Inline()
    inline.feed(page)
    assert inline.found == []
    return page


PUBLIC = [
    "account_login",
    "account_signup",
    "account_inactive",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "socialaccount_login_cancelled",
]
PERSONAL = [
    "profile",
    "account_email",
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "usersessions_list",
    "socialaccount_connections",
    "home",
]
WITH_SECOND_FACTOR = [
    "mfa_index",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_list_webauthn",
    "mfa_reauthenticate",
]


class TestForEverybody:
    @pytest.mark.parametrize("name", PUBLIC)
    def test_page(self, client, name):
        response = client.get(reverse(name))
        assert response.status_code == 200
        check(response)

    def test_sign_up_closed(self, client, settings):
        settings.SIGNUP = "invited"
        check(client.get("/accounts/signup/"))

    def test_refused_sign_in(self, client):
        check(client.post("/accounts/login/", {"login": "ada@example.com", "password": "wrong"}))

    def test_confirming_an_address(self, client, ada):
        address = EmailAddress.objects.create(user=ada, email="countess@example.com")
        page = check(client.get(reverse("account_confirm_email", args=[EmailConfirmationHMAC.create(address).key])))
        assert "countess@example.com" in page
        assert "no longer works" in check(client.get(reverse("account_confirm_email", args=["nonsense"])))

    def test_setting_a_new_password(self, client, ada):
        client.post("/accounts/password/reset/", {"email": ada.email})
        check(client.get(link_in(mail.outbox[0]), follow=True))
        check(client.get("/accounts/password/reset/key/1-nonsense/"))


class TestForThoseWhoSignedIn:
    @pytest.fixture(autouse=True)
    def signed_in(self, ada, sign_in, confirm_identity):
        sign_in(ada.email)
        confirm_identity()

    @pytest.mark.parametrize("name", PERSONAL)
    def test_page(self, client, name):
        response = client.get(reverse(name))
        assert response.status_code == 200
        check(response)

    @pytest.mark.parametrize("name", WITH_SECOND_FACTOR)
    def test_page_with_a_second_factor(self, client, name):
        turn_on(client)
        response = client.get(reverse(name))
        assert response.status_code == 200
        check(response)

    @pytest.mark.parametrize("name", ["mfa_edit_webauthn", "mfa_remove_webauthn"])
    def test_page_of_a_security_key(self, client, ada, name):
        key = Authenticator.objects.create(user=ada, type="webauthn", data={"name": "Blue key", "credential": {}})
        assert "Blue key" in check(client.get(reverse(name, args=[key.pk])))
        assert "Blue key" in check(client.get(reverse("mfa_list_webauthn")))

    def test_the_second_factor_itself(self, client, ada):
        turn_on(client)
        fresh = Client()
        response = fresh.post("/accounts/login/", {"login": ada.email, "password": PASSWORD}, follow=True)
        assert response.wsgi_request.path == "/accounts/2fa/authenticate/"
        check(response)

    def test_an_email_address_to_be_confirmed(self, client):
        client.post("/accounts/email/", {"action_add": "", "email": "countess@example.com"})
        assert "To be confirmed" in check(client.get("/accounts/email/"))

    def test_setting_a_first_password(self, client, ada):
        ada.set_unusable_password()
        ada.save()
        client.force_login(ada)
        check(client.get("/accounts/password/set/"))

    def test_recovery_codes_to_keep(self, client):
        turn_on(client)
        response = client.get(reverse("mfa_download_recovery_codes"))
        assert response["Content-Type"] == "text/plain"
        assert len(response.content.decode().split()) >= 10


class TestProfile:
    @pytest.fixture(autouse=True)
    def signed_in(self, ada, client):
        client.force_login(ada)

    def test_people_change_their_name(self, client, ada):
        client.post("/accounts/profile/", {"first_name": "Augusta", "last_name": "King"})
        ada.refresh_from_db()
        assert ada.get_full_name() == "Augusta King"

    def test_they_change_nothing_else(self, client, ada):
        client.post("/accounts/profile/", {"first_name": "A", "email": "x@example.com", "is_staff": "on"})
        ada.refresh_from_db()
        assert (ada.email, ada.is_staff) == ("ada@example.com", False)

    def test_it_refuses_names_with_line_breaks(self, client, ada):
        response = client.post("/accounts/profile/", {"first_name": "Ada\nPay at https://evil.example"})
        assert response.context["form"]["first_name"].errors

    def test_names_are_escaped(self, client, ada):
        User.objects.update(first_name="<script>alert(1)</script>")
        assert "<script>alert" not in check(client.get("/accounts/profile/"))


class TestErrorPages:
    def test_nothing_there(self, client, ada):
        client.force_login(ada)
        response = client.get("/no-such-page/")
        assert response.status_code == 404
        check(response)

    def test_a_form_that_is_too_old(self, ada):
        response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": ada.email})
        assert response.status_code == 403
        assert "Please try again" in check(response)

    def test_too_many_attempts(self, client):
        for _ in range(21):
            response = client.post("/accounts/signup/", {})
        assert response.status_code == 429
        assert "Too many attempts" in check(response)

    def test_a_mistake_of_ours_needs_neither_database_nor_session(self, django_db_blocker):
        with django_db_blocker.block():
            response = defaults.server_error(RequestFactory().get("/"))
        assert response.status_code == 500
        assert "Something went wrong" in response.content.decode()

    @pytest.mark.parametrize("view", [defaults.bad_request, defaults.permission_denied])
    def test_the_others(self, view):
        page = view(RequestFactory().get("/"), Exception("secret detail")).content.decode()
        assert "portal.css" in page
        assert "secret detail" not in page


def views_below(prefix: str) -> dict[str, URLPattern]:
    def walk(patterns, path=""):
        for pattern in patterns:
            here = path + str(pattern.pattern).removeprefix("^")
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, here)
            else:
                yield here, pattern

    return {path: pattern for path, pattern in walk(get_resolver().url_patterns) if path.startswith(prefix)}


def test_only_what_must_be_is_open_to_strangers():
    """allauth marks what needs no sign-in; LoginRequiredMiddleware keeps everything else closed."""
    open_to_strangers = {
        pattern.name
        for pattern in views_below("accounts/").values()
        if not getattr(pattern.callback, "login_required", True)
    }
    assert open_to_strangers == {
        *PUBLIC,
        "set-language",
        "account_logout",
        "account_confirm_email",
        "account_confirm_login_code",
        "account_reset_password_from_key",
        "mfa_authenticate",
        "mfa_login_webauthn",
        "socialaccount_signup",
        "openid_connect_login",
        "openid_connect_callback",
        "saml_login",
        "saml_acs",
        "saml_finish_acs",
        "saml_sls",
        "saml_metadata",
    }
