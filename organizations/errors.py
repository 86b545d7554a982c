"""Refusals that an API answers with a status of their own; a page shows them as any other ValidationError."""

from django.core.exceptions import ValidationError


class Conflict(ValidationError):
    """The request is fine in itself, but not as things stand (409)."""
