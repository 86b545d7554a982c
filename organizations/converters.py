"""Parts of addresses that need more than Django's own path converters."""

from accounts.models import normalize_email

from .validators import is_printable


class EmailConverter:
    """An email address, compared without case."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        if "@" not in value or not is_printable(value):
            raise ValueError("not an email address")
        return normalize_email(value)

    def to_url(self, value: str) -> str:
        return value
