"""What operators do for people."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from audit import log
from audit.models import Event

from .models import User


@transaction.atomic
def remove_second_factors(*, user: User, by: User) -> None:
    """Let somebody who lost their phone or key sign in with their password alone."""
    for authenticator in Authenticator.objects.filter(user=user):
        authenticator.delete()
        log.record(Event.Action.MFA_REMOVED, by=by, target=user, method=authenticator.type)


@transaction.atomic
def confirm_email(*, user: User, by: User) -> None:
    """Let somebody sign in whom the mail with the link does not reach."""
    user.trust_email()
    log.record(Event.Action.ADMIN_CHANGED, by=by, target=user, change="changed", fields="email_is_confirmed")
