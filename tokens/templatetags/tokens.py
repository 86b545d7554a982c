"""What the templates about tokens ask."""

from django import template

from organizations.models import Membership

from .. import pages
from ..models import QpuToken

register = template.Library()


@register.simple_tag
def token_url(url_name: str, membership: Membership, token: QpuToken, **more: object) -> str:
    """The address of one of the pages about a token."""
    return pages.token_url(url_name, membership, token, **more)


@register.inclusion_tag("tokens/_head.html")
def token_head(here: str, membership: Membership, token: QpuToken) -> dict[str, object]:
    """Name and state of a token, and the tabs of its pages; `here` names the address of the current one."""
    return {
        "here": here,
        "membership": membership,
        "token": token,
        "tabs": [
            (tab.label, tab.url_name, pages.token_url(tab.url_name, membership, token))
            for tab in pages.tabs(membership, token)
        ],
    }
