"""What a name that people give to things must be like."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

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
