"""Refusals with a status of their own."""

from rest_framework.exceptions import APIException

from gateway.wire import RETRY_SECONDS


class NotOffered(APIException):
    """The SDK can ask for this, but the portal has no such thing."""

    status_code = 501


class TooLarge(APIException):
    status_code = 413


class TooMany(APIException):
    """Passes as jobs are taken: the SDK asks again, three times."""

    status_code = 429
    retry_after = 5  # seconds


class Unavailable(APIException):
    """Passes by itself: the SDK asks again."""

    status_code = 503
    retry_after = RETRY_SECONDS
