"""What htmx gets where a page would get a redirect."""

from urllib.parse import unquote, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.http.response import HttpResponseRedirectBase
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from .middleware import GetResponse


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def reload_instead_of_leaving(get_response: GetResponse) -> GetResponse:
    """Have a page loaded anew whose request is sent to another one, such as to sign in.

    htmx would follow, and put what it finds there into a table. The page itself is sent there too, and from there back.
    """

    def middleware(request: HtmxRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.htmx and isinstance(response, HttpResponseRedirectBase) and leaves(request, response):
            list(messages.get_messages(request))  # read, and gone: the page is told the same when it is loaded
            return HttpResponseClientRefresh()
        return response

    return middleware  # type: ignore[return-value]  # HtmxMiddleware has been there


def leaves(request: HtmxRequest, response: HttpResponseRedirectBase) -> bool:
    here, there = urlsplit(request.htmx.current_url or ""), urlsplit(response.url)
    return unquote(here.path) != unquote(there.path)
