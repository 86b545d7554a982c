"""What the navigation of an organization offers. A new page is a line here; who lacks the right does not see it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .models import Membership
from .permissions import Permission


@dataclass(frozen=True)
class Entry:
    """A page at /o/<organization>/…: `url_name` takes the organization's slug; `icon` is lucide's name for it."""

    label: Promise
    url_name: str
    icon: str
    permission: Permission


PERSONAL = [
    Entry(_("Dashboard"), "dashboard", "layout-dashboard", Permission.VIEW_ORGANIZATION),
    Entry(_("Tokens"), "tokens", "cpu", Permission.VIEW_TOKENS),
    Entry(_("Jobs"), "jobs", "list-checks", Permission.VIEW_OWN_USAGE),
    Entry(_("Usage"), "usage", "chart-column", Permission.VIEW_OWN_USAGE),
    Entry(_("API keys"), "keys", "key-round", Permission.VIEW_OWN_KEYS),
]
ADMINISTRATION = [
    Entry(_("Overview"), "overview", "gauge", Permission.VIEW_USAGE),
    Entry(_("Members"), "members", "users", Permission.VIEW_MEMBERS),
    Entry(_("Audit log"), "audit-log", "scroll-text", Permission.VIEW_AUDIT),
    Entry(_("Settings"), "organization-settings", "settings", Permission.MANAGE_ORGANIZATION),
]


@dataclass(frozen=True)
class Link:
    """An entry as one member sees it on one page."""

    label: Promise
    icon: str
    url: str
    is_current: bool


def links(entries: list[Entry], membership: Membership, path: str) -> Iterator[Link]:
    """The entries that the member may open. The one that `path` lies at or below is the current one."""
    slug = membership.organization.slug
    home = reverse("dashboard", args=[slug])
    for entry in entries:
        if membership.can(entry.permission):
            url = reverse(entry.url_name, args=[slug])
            is_below = url != home and path.startswith(f"{url}/")
            yield Link(entry.label, entry.icon, url, path == url or is_below)
