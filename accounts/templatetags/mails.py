"""What mails are written with."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..mails import TEXT
from .moments import calendar_day

register = template.Library()


@register.simple_tag(takes_context=True)
def action(context: template.Context, link: str, label: str) -> str:
    """What the reader is asked to do: a button with its address below, or the address alone in plain text."""
    if context["layout"] == TEXT:
        return SafeString(link)
    return format_html('<a class="button" href="{0}">{1}</a><br><span class="address">{0}</span>', link, label)


@register.filter
def in_utc(at: datetime) -> str:
    """Date and time in words alone, as no script adapts them to the reader's zone: 3 May 2026, 14:05 UTC."""
    at = at.astimezone(UTC)
    return f"{calendar_day(at)}, {at:%H:%M} UTC"
