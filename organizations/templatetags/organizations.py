"""What the templates about organizations ask."""

from django import template

from ..access import may_found_organizations
from ..models import Membership

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
