"""What the templates about organizations ask."""

from collections.abc import Iterator

from django import template

from audit.models import Event

from ..access import may_found_organizations
from ..audit_words import in_words
from ..models import Membership
from ..navigation import ADMINISTRATION, PERSONAL, links

register = template.Library()

MOST_TO_SWITCH_TO = 20


@register.inclusion_tag("organizations/_switcher.html")
def organization_switcher(membership: Membership) -> dict[str, object]:
    """Where the member is, and the other organizations that they can go to (one query)."""
    memberships = membership.user.memberships.select_related("organization").order_by("organization__name")
    return {
        "here": membership.organization,
        "organizations": [one.organization for one in memberships[:MOST_TO_SWITCH_TO]],
        "may_found": may_found_organizations(membership.user),
    }


@register.inclusion_tag("organizations/_navigation.html", takes_context=True)
def organization_navigation(context: template.Context, membership: Membership) -> dict[str, object]:
    """The pages of the organization that the member may open."""
    path = context["request"].path
    return {
        "personal": list(links(PERSONAL, membership, path)),
        "administration": list(links(ADMINISTRATION, membership, path)),
    }


@register.filter
def details(event: Event) -> Iterator[tuple[str, object]]:
    """The details of a line of the audit log that say something, as people read them."""
    return in_words(event.details)
