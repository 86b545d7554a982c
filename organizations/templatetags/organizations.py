"""What the templates about organizations ask."""

from collections.abc import Iterator

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.dateparse import parse_datetime

from accounts.templatetags.moments import moment
from audit.models import Event

from ..access import may_found_organizations
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
    for name, value in event.details.items():
        if value is None or value == "":
            continue
        if name.endswith("_ns"):
            yield name.removesuffix("_ns").replace("_", " "), f"{intcomma(value)} ns"
        elif name.endswith("_at") and (at := parse_datetime(value)):
            yield name.removesuffix("_at").replace("_", " "), moment(at)
        else:
            yield name.replace("_", " "), value
