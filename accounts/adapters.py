"""How allauth's sign-up and sign-in behave here."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from . import guessing
from .mails import write
from .models import User, normalize_email
from .validators import validate_sdk_email

logger = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up and sign-in with a password or a passkey."""

    def invited_email(self, request: HttpRequest) -> str | None:
        """The address whose invitation this visitor holds: what stash_verified_email() was given, until sign-up."""
        return request.session.get("account_verified_email")

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SIGNUP == "open" or self.invited_email(request) is not None

    def clean_email(self, email: str) -> str:
        email = normalize_email(email)
        validate_sdk_email(email)
        return email

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        try:
            with transaction.atomic():
                super().save_user(request, user, form, commit)
        except IntegrityError:  # a double click: the same form came twice at once, and the other one was first
            raise ImmediateHttpResponse(self.respond_email_verification_sent(request, None)) from None
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a password as wrong until it has proved right; refuse it unseen if there were too many."""
        self._login_failed_rl_usage = guessing.count(request, normalize_email(credentials["email"]))
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Who sets a new password by mail need not wait, however many others have guessed."""
        guessing.forget(request, normalize_email(credentials["email"]))

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        guessing.remember_browser(response, user.email)
        return response

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: EmailConfirmation) -> str:
        return at_portal(super().get_email_confirmation_url(request, emailconfirmation))

    def get_reset_password_from_key_url(self, key: str) -> str:
        return at_portal(super().get_reset_password_from_key_url(key))

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address unless it is somebody's login already, be it one that they never confirmed."""
        if User.objects.filter(email=email_address.email).exclude(pk=email_address.user_id).exists():
            context = {"email": email_address.email}
            self.add_message(request, messages.ERROR, "account/messages/email_confirmation_failed.txt", context)
            return False
        return bool(super().confirm_email(request, email_address))

    def new_user(self, request: HttpRequest) -> User:
        """Somebody who signs up; what they read now is what their mails are in."""
        user: User = super().new_user(request)
        user.language = get_language() or ""
        return user

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write to people in their own language, or else in that of the page that makes the portal write."""
        user = context.get("user")
        language = user.language if user else User.objects.language_of(email)
        with override(language or get_language()):
            super().send_mail(template_prefix, email, context)

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMultiAlternatives:
        return write(template_prefix, email, context)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Tell the owner what changed; a mail server that is down must not keep them from changing it."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError:
            logger.exception("notification_mail_failed")


def at_portal(url: str) -> str:
    """The address as people know it: by which of its names the portal was asked for is the visitor's choice."""
    return f"{settings.PORTAL_URL}{urlsplit(url).path}"


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on, by OpenID Connect or SAML.

    A provider opens an existing account only where its owner has connected it, or where the provider's settings say
    `"email_authentication": true` and it vouches for the address. New accounts need an address that it vouches for.
    """

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, str]) -> User:
        for address in sociallogin.email_addresses:
            address.verified = is_true(address.verified)
        user: User = super().populate_user(request, sociallogin, data)
        user.email = normalize_email(user.email)
        return user

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        email = sociallogin.user.email
        if not any(address.verified and address.email == email for address in sociallogin.email_addresses):
            sentence = _("Your sign-in provider sent no confirmed email address that this portal accepts.")
            messages.error(request, sentence)
            return False
        invited = AccountAdapter(request).invited_email(request)
        if invited and invited != email:
            sentence = _("Your invitation is for %(invited)s, but you signed in as %(email)s.")
            messages.error(request, sentence % {"invited": invited, "email": email})
            return False
        return bool(super().is_open_for_signup(request, sociallogin))


def is_true(claim: bool | str) -> bool:
    """What an identity provider means by email_verified: some send text, and "false" must not count as a yes."""
    return str(claim).lower() == "true"
