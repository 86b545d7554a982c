"""Parts of addresses that name a token."""

from django.core.exceptions import ValidationError

from .names import clean_name


class TokenNameConverter:
    """A token's name; what could not be one is no address of ours (404)."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        try:
            return clean_name(value)
        except ValidationError:
            raise ValueError("not a token name") from None

    def to_url(self, value: str) -> str:
        return value
