"""How templates show nanoseconds."""

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ..durations import typed
from ..policies import Limit
from ..units import human, localized

register = template.Library()


@register.filter("human")
def rounded(ns: int) -> str:
    """A duration for people, as the active language writes it."""
    return localized(human(ns))


@register.filter
def duration(ns: int) -> SafeString:
    """The same with its exact value on hover."""
    return with_exact_value(ns, rounded(ns))


@register.filter
def exact_duration(ns: int) -> SafeString:
    """A duration without rounding, as it can be typed."""
    return with_exact_value(ns, typed(ns))


def with_exact_value(ns: int, text: str) -> SafeString:
    # Figures and units have nothing to escape, and looking for it took most of the time that large tables need.
    return mark_safe(f'<data value="{ns:d}" title="{localized(f"{ns:,}")} ns">{text}</data>')  # noqa: S308


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
        % {"used": rounded(limit.used_ns), "open": rounded(limit.reserved_ns), "quota": rounded(limit.quota_ns)},
    }
