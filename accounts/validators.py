"""What an email address and a person's name must be like."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

NOT_IN_PATHS = frozenset("/?#%")  # the SDK puts addresses into paths as they are


def validate_sdk_email(value: str) -> None:
    """Refuse addresses that the Luna SDK refuses, such as x@localhost or x@lab.test: its client could not even start.

    The SDK checks with the same library, so the two always agree.
    """
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        raise ValidationError(
            _(
                "Enter an email address with a full domain, such as ada@example.com. "
                "Local names (@localhost, .local, .test, .invalid) do not work with the Luna SDK."
            ),
            code="email",
        ) from None
    if NOT_IN_PATHS & set(value):
        raise ValidationError(_("The Luna SDK cannot use email addresses with / ? # or %."), code="email")


def validate_printable(value: str) -> None:
    """Refuse line breaks and invisible characters: names stand in mails, where they could fake a text of their own."""
    if not value.isprintable():
        raise ValidationError(_("Use letters, digits and blanks only, without line breaks."), code="unprintable")
