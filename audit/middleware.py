"""Where a request comes from, for the audit log, without every service handing it on."""

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_address: ContextVar[str | None] = ContextVar("address", default=None)


def remember_address(get_response: GetResponse) -> GetResponse:
    """Make REMOTE_ADDR known to current_address() for as long as the request lasts."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        address, _, _zone = request.META.get("REMOTE_ADDR", "").partition("%")  # PostgreSQL knows no IPv6 zones
        token = _address.set(address or None)
        try:
            return get_response(request)
        finally:
            _address.reset(token)

    return middleware


def current_address() -> str | None:
    """The address of the client whose request is being answered; None outside of requests."""
    return _address.get()
