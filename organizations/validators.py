"""What names that people give to things, and domains of their addresses, must be like."""

import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.validators import validate_sdk_email

# Control, format and surrogate characters, line and paragraph separators: invisible, and some of them cannot be stored.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_printable(value: str) -> bool:
    return not any(unicodedata.category(character) in UNPRINTABLE for character in value)


def validate_label(value: str) -> None:
    """Refuse what could not be read on a page."""
    if not value.strip():
        raise ValidationError(_("Enter a name."), code="blank")
    if not is_printable(value):
        raise ValidationError(_("The name has characters that cannot be seen. Type it again."), code="unprintable")


MOST_DOMAINS = 100


def validate_domains(domains: Any) -> None:
    """Refuse what no address could be at."""
    if not isinstance(domains, list) or len(domains) > MOST_DOMAINS:
        raise ValidationError(_("Give at most %(most)d domains.") % {"most": MOST_DOMAINS}, code="domains")
    for domain in domains:
        try:
            validate_sdk_email(f"x@{domain}")
        except ValidationError:
            sentence = _("“%(domain)s” is no domain of email addresses. Enter one such as example.com.")
            raise ValidationError(sentence % {"domain": domain}, code="domains") from None
