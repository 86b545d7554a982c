"""How templates show nanoseconds."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..durations import exact
from ..policies import Limit
from ..units import human

register = template.Library()
register.filter("human", human)


@register.filter
def duration(ns: int) -> SafeString:
    """A duration for people, its exact value on hover."""
    return format_html('<data value="{}" title="{} ns">{}</data>', ns, f"{ns:,}", human(ns))


@register.filter
def exact_duration(ns: int) -> SafeString:
    """A duration without rounding, as it can be typed."""
    return format_html('<data value="{}" title="{} ns">{}</data>', ns, f"{ns:,}", exact(ns))


@register.inclusion_tag("quotas/_limit.html")
def limit_meter(limit: Limit, binding: Limit | None = None) -> dict[str, object]:
    """A limit as a meter, with its figures below; in bold if it is the one that decides."""
    percent = 100 / limit.quota_ns if limit.quota_ns else 0
    return {
        "limit": limit,
        "binds": limit == binding,
        "used": min(100, limit.used_ns * percent) if limit.quota_ns else 100,
        "open": min(100, limit.reserved_ns * percent),
        "label": _("%(used)s used, %(open)s open, of %(quota)s")
        % {"used": human(limit.used_ns), "open": human(limit.reserved_ns), "quota": human(limit.quota_ns)},
    }
