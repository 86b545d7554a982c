"""What Django and allauth report about people's accounts, written into the audit log.

They report what they have stored already, so these lines, unlike all others, have a transaction of their own.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed, password_changed, password_reset, password_set, user_signed_up
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver

from audit import log
from audit.models import Event

from .models import User, normalize_email


@transaction.atomic
def record(action: Event.Action, user: User, **details: Any) -> None:
    log.record(action, by=user, target=user, **details)


@transaction.atomic
def record_failure(user: User | None, *, method: str) -> None:
    """Somebody, who need not be `user`, tried to sign in as `user`."""
    log.record(Event.Action.USER_SIGN_IN_FAILED, by=None, target=user, method=method)


@receiver(user_logged_in)
def signed_in(user: User, **kwargs: Any) -> None:
    record(Event.Action.USER_SIGNED_IN, user)


@receiver(user_logged_out)
def signed_out(user: User | None, **kwargs: Any) -> None:
    if user:
        record(Event.Action.USER_SIGNED_OUT, user)


@receiver(user_login_failed)
def password_refused(credentials: dict[str, Any], **kwargs: Any) -> None:
    """Name the account that was meant, never what was typed: people type passwords into the wrong field."""
    email = normalize_email(credentials.get("email", ""))
    record_failure(User.objects.filter(email=email).first(), method="password")


@receiver(authentication_failed)
def second_factor_refused(user: User, authenticator: Authenticator | None = None, **kwargs: Any) -> None:
    record_failure(user, method=authenticator.type if authenticator else "second_factor")


@receiver(user_signed_up)
def signed_up(user: User, sociallogin: SocialLogin | None = None, **kwargs: Any) -> None:
    record(Event.Action.USER_SIGNED_UP, user, method=sociallogin.account.provider if sociallogin else "password")


@receiver([password_changed, password_set])
def changed_password(user: User, **kwargs: Any) -> None:
    record(Event.Action.PASSWORD_CHANGED, user)


@receiver(password_reset)
def reset_password(user: User, **kwargs: Any) -> None:
    record(Event.Action.PASSWORD_CHANGED, user, method="mail")


@receiver(email_changed)
def changed_email(user: User, from_email_address: EmailAddress | None, **kwargs: Any) -> None:
    record(Event.Action.EMAIL_CHANGED, user, former=from_email_address.email if from_email_address else "")


@receiver([authenticator_added, authenticator_reset])
def added_second_factor(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    record(Event.Action.MFA_ADDED, user, method=authenticator.type)


@receiver(authenticator_removed)
def removed_second_factor(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    record(Event.Action.MFA_REMOVED, user, method=authenticator.type)


@receiver(social_account_added)
def connected_sso(sociallogin: SocialLogin, **kwargs: Any) -> None:
    record(Event.Action.SSO_CONNECTED, sociallogin.user, provider=sociallogin.account.provider)


@receiver(social_account_removed)
def disconnected_sso(socialaccount: SocialAccount, **kwargs: Any) -> None:
    record(Event.Action.SSO_DISCONNECTED, socialaccount.user, provider=socialaccount.provider)
