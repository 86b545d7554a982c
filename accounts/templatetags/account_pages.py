"""What the templates about people ask."""

from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..providers import providers

register = template.Library()

PAGES = [
    (_("Profile"), "profile", "user"),
    (_("Email address"), "account_email", "mail"),
    (_("Password"), "account_change_password", "lock"),
    (_("Two-factor sign-in"), "mfa_index", "shield-check"),
    (_("Sessions"), "usersessions_list", "monitor"),
]
SINGLE_SIGN_ON = (_("Single sign-on"), "socialaccount_connections", "link")


@dataclass(frozen=True)
class Page:
    name: Promise
    url: str
    icon: str
    is_current: bool


@register.simple_tag(takes_context=True)
def account_pages(context: template.Context) -> list[Page]:
    """The pages on which people manage their account; single sign-on only where some is set up."""
    request: HttpRequest = context["request"]
    pages = [*PAGES, SINGLE_SIGN_ON] if providers() else PAGES
    urls = [(name, reverse(view), icon) for name, view, icon in pages]
    return [Page(name, url, icon, request.path.startswith(url)) for name, url, icon in urls]


@register.simple_tag(takes_context=True)
def signup_is_open(context: template.Context) -> bool:
    request: HttpRequest = context["request"]
    return bool(get_adapter(request).is_open_for_signup(request))
