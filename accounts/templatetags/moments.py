"""Times on pages. The server writes UTC and says so; static/js/portal.js shows them in the zone of the viewer."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

register = template.Library()


def rendered(at: datetime, text: str, style: str) -> SafeString:
    at_utc = at.astimezone(UTC)
    exact = f"{calendar_day(at_utc)}, {at_utc:%H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}" data-moment="{}">{}</time>', at.isoformat(), exact, style, text)


@register.filter
def moment(at: datetime) -> SafeString:
    """Date and time: 3 May 2026, 14:05 UTC."""
    at_utc = at.astimezone(UTC)
    return rendered(at, f"{calendar_day(at_utc)}, {at_utc:%H:%M} UTC", "moment")


@register.filter
def day(at: datetime) -> SafeString:
    """The date alone: 3 May 2026."""
    return rendered(at, calendar_day(at.astimezone(UTC)), "day")


@register.filter
def calendar_day(at: date) -> str:
    """A day that is one of UTC for everybody: 3 May 2026."""
    return written(date(at.year, at.month, at.day), get_language())


@lru_cache(maxsize=1_000)  # long tables show few days many times
def written(day: date, _language: str | None) -> str:
    return date_format(day, pgettext("date format", "j M Y"))


@register.filter
def short_day(at: date) -> str:
    """The same without the year, where that is plain: 3 May."""
    return date_format(at, pgettext("date format", "j M"))


@register.filter
def ago(at: datetime) -> SafeString:
    """How far away: 3 hours ago, in 2 days."""
    now = timezone.now()
    if abs(now - at) < timedelta(minutes=1):
        text = _("just now")
    elif at < now:
        text = _("%(time)s ago") % {"time": timesince(at, now, depth=1)}
    else:
        text = _("in %(time)s") % {"time": timeuntil(at, now, depth=1)}
    return rendered(at, text, "exact")
