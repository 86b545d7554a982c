"""How allauth's sign-up and sign-in behave here."""

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.translation import gettext as _

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

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address unless it is somebody's login already, be it one that they never confirmed."""
        if User.objects.filter(email=email_address.email).exclude(pk=email_address.user_id).exists():
            context = {"email": email_address.email}
            self.add_message(request, messages.ERROR, "account/messages/email_confirmation_failed.txt", context)
            return False
        return bool(super().confirm_email(request, email_address))

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Tell the owner what changed; a mail server that is down must not keep them from changing it."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError:
            logger.exception("notification_mail_failed")


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
