"""What a token may be called: names travel in addresses, written there by SDKs that do not escape them."""

import unicodedata

from django.core.exceptions import ValidationError

from organizations.validators import is_printable

MAX_LENGTH = 128
# The Luna SDK puts names into paths as they are: these would end or change the path (contract of the SDK, section 5).
FORBIDDEN = frozenset("/?#%\\")


def clean_name(value: str) -> str:
    """The name in the one form (NFC) in which names are stored and looked up, if it is a good one."""
    # The time that this takes can grow with the square of the length. No character has more than four parts, so what is
    # longer than four times the limit stays too long.
    name = unicodedata.normalize("NFC", value) if len(value) <= 4 * MAX_LENGTH else value
    if problem := problem_with(name):
        raise ValidationError({"name": problem})
    return name


def problem_with(name: str) -> str:
    """What is wrong with a name, in words that do not repeat it; empty if nothing is."""
    if not name:
        return "Enter a name."
    if len(name) > MAX_LENGTH:
        return f"A name has at most {MAX_LENGTH} characters."
    if not is_printable(name):
        return "A name cannot have characters that cannot be seen."
    if FORBIDDEN & set(name):
        return "A name cannot contain / ? # % or \\."
    if name != name.strip():
        return "A name cannot begin or end with a blank."
    if name in {".", ".."}:
        return "A name cannot be . or .. alone."
    return ""
