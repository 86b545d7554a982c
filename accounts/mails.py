"""Mails, each with a plain and an HTML part that come from the same words: see templates/emails/."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

TEXT, HTML = "emails/base.txt", "emails/base.html"


def write(prefix: str, to: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    """A mail in the active language: subject from <prefix>_subject.txt, both its parts from <prefix>_message.txt."""
    subject = " ".join(render_to_string(f"{prefix}_subject.txt", context).split())
    context = context | {"subject": subject, "portal": settings.PORTAL_URL}
    message = EmailMultiAlternatives(subject, render(prefix, context, TEXT), to=[to])
    message.attach_alternative(render(prefix, context, HTML), "text/html")
    return message


def render(prefix: str, context: dict[str, Any], layout: str) -> str:
    return render_to_string(f"{prefix}_message.txt", context | {"layout": layout}).strip() + "\n"
