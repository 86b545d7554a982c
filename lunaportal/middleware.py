"""What has to be put right about a request before anything else looks at it."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils import translation
from django.utils.cache import patch_cache_control
from rest_framework.response import Response

from organizations.access import PortalAPIView
from organizations.authentication import key_in

from .api import error_response
from .paths import is_api, most_bytes

GetResponse = Callable[[HttpRequest], HttpResponseBase]

PROBES = {"/livez", "/readyz"}
FORWARDING_HEADERS = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO")
# Of 8 bytes each: just too many for 256 kB.
STACK_SLOTS = 33_000


def keep_frames_together(get_response: GetResponse) -> GetResponse:
    """Answer a request within one piece of memory for all of Python's frames.

    CPython keeps frames in pieces of 16 kB: a call that does not fit asks the system for another, and gives it back
    when it returns. Where a template's innermost calls lay across an end, a page took twice as long, and any change of
    depth moved that to another page. A frame so large gets a piece of 512 kB, half of it for the frames below.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    middleware.__code__ = middleware.__code__.replace(co_stacksize=STACK_SLOTS)
    return middleware


def collapse_leading_slashes(get_response: GetResponse) -> GetResponse:
    """Take //luna-solve/... for /luna-solve/...: the Luna SDK asks so when its base URL ends in a slash."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        for name in ("path", "path_info"):
            path = getattr(request, name)
            if path.startswith("//"):
                setattr(request, name, "/" + path.lstrip("/"))
        return get_response(request)

    return middleware


def trust_proxies(get_response: GetResponse) -> GetResponse:
    """Let REMOTE_ADDR be the client's address, as told by the TRUSTED_PROXY_COUNT proxies and by nobody else.

    Whatever reads addresses further in (rate limits, sessions, the audit log) looks at REMOTE_ADDR only.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if settings.TRUSTED_PROXY_COUNT:
            believe_proxies(request, settings.TRUSTED_PROXY_COUNT)
        else:
            for header in FORWARDING_HEADERS:
                request.META.pop(header, None)
        if not request.META.get("REMOTE_ADDR"):
            request.META["REMOTE_ADDR"] = "127.0.0.1"  # a Unix socket: its other end is on this machine
        return get_response(request)

    return middleware


def believe_proxies(request: HttpRequest, count: int) -> None:
    """Reduce the forwarding headers to what the outermost of our `count` proxies saw."""
    address = added_by_proxy(request.META.get("HTTP_X_FORWARDED_FOR", ""), count)
    if is_address(address):
        request.META["REMOTE_ADDR"] = request.META["HTTP_X_FORWARDED_FOR"] = address
    if "HTTP_X_FORWARDED_PROTO" in request.META:
        request.META["HTTP_X_FORWARDED_PROTO"] = added_by_proxy(request.META["HTTP_X_FORWARDED_PROTO"], count)


def added_by_proxy(header: str, count: int) -> str:
    """The `count`-th entry from the right: each proxy appends one, and what stands further left the client made up."""
    return header.split(",")[-count:][0].strip()


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def ask_nobody_who_they_are_at_probes(get_response: GetResponse) -> GetResponse:
    """Answer health checks without looking up a session: they must not depend on the database by a cookie."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info in PROBES:
            request.COOKIES = {}
        return get_response(request)

    return middleware


def refuse_insecure_api(get_response: GetResponse) -> GetResponse:
    """Tell programs that come over plain HTTP to use HTTPS: a redirect would only confuse the SDKs."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if settings.HTTPS and is_api(request.path_info) and not request.is_secure():
            return error_response(403, f"Use {settings.PORTAL_URL} as base URL: this portal answers over https only.")
        return get_response(request)

    return middleware


def refuse_bodies_without_length(get_response: GetResponse) -> GetResponse:
    """Refuse chunked bodies, which Django takes for empty: a change that changes nothing would look like a success."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "HTTP_TRANSFER_ENCODING" in request.META and is_api(request.path_info):
            return error_response(411, "Send the body whole, with a Content-Length.")
        return get_response(request)

    return middleware


def refuse_large_bodies(get_response: GetResponse) -> GetResponse:
    """Refuse what is too long before any of it is read: Django would write files of any size to disk, of anybody."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if int(request.META.get("CONTENT_LENGTH") or 0) > most_bytes(request.path_info):
            raise RequestDataTooBig("The body is longer than any that is read here.")
        return get_response(request)

    return middleware


def stay_out_of_caches(get_response: GetResponse) -> GetResponse:
    """Let no cache keep an answer, nor the disk of a shared computer: pages show people's data, and some a secret."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        else:
            response["Cache-Control"] = "private, no-store"
        return response

    return middleware


def answer_programs(get_response: GetResponse) -> GetResponse:
    """Answer what comes with an API key without the middleware further in, which is for browsers only.

    A key alone says who asks, also where it is wrong and there is a session beside it (organizations.authentication).
    Only endpoints that ask for it are answered here: whatever else has an address below those of the API stays closed.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        match = endpoint_of(request)
        if match is None:
            return get_response(request)
        request.resolver_match = match
        translation.activate(translation.get_language_from_request(request))
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        response["X-Frame-Options"] = "DENY"
        return response.render() if isinstance(response, Response) else response

    return middleware


def endpoint_of(request: HttpRequest) -> ResolverMatch | None:
    """The endpoint that a program asks with its key; None where that needs more than the key."""
    if key_in(request) is None or not is_api(request.path_info):
        return None
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return None
    return match if issubclass(getattr(match.func, "cls", object), PortalAPIView) else None
