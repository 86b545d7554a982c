"""The encryption keys as the operator gives them. Imported by the settings: nothing here may touch Django's own."""

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured


def validate_keys(value: str) -> list[str]:
    """Split comma-separated Fernet keys, the one that encrypts first; refuse a malformed one without printing it."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    if not keys:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEY names no key.")
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"FIELD_ENCRYPTION_KEY: key {position} of {len(keys)} is not a Fernet key: 32 bytes in URL-safe base64."
            ) from None
    return keys
