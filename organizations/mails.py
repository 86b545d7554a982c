"""Mails of organizations, sent by the worker, each in the language of who gets it."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from accounts.mails import write
from accounts.models import User

from .models import Invitation, Organization
from .permissions import Role


def send_invitation(invitation_id: int) -> None:
    """Mail the link of a pending invitation. Safe to run twice: the same link is sent again."""
    pending = Invitation.objects.pending().filter(organization__closed_at=None)
    invitation = pending.select_related("organization").filter(pk=invitation_id).first()
    if invitation is None:  # revoked or accepted meanwhile
        return
    link = settings.PORTAL_URL + reverse("accept-invitation", args=[invitation.token])
    language = User.objects.language_of(invitation.email) or invitation.language
    send("emails/invitation", invitation.email, language, {"invitation": invitation, "link": link})


def send_closed(organization_id: int) -> None:
    """Tell the admins of an organization that it is closed, and where to undo it."""
    organization = Organization.objects.filter(pk=organization_id, closed_at__isnull=False).first()
    if organization is None:  # open again already
        return
    link = settings.PORTAL_URL + reverse("closed-organization", args=[organization.slug])
    for admin in organization.memberships.filter(role=Role.ADMIN).select_related("user"):
        send("emails/closed", admin.user.email, admin.user.language, {"organization": organization, "link": link})


def send(prefix: str, email: str, language: str, context: dict[str, Any]) -> None:
    """Mail the templates <prefix>_subject.txt and <prefix>_message.txt; in English where no language is known."""
    with translation.override(language or settings.LANGUAGE_CODE):
        message = write(prefix, email, context)
    message.send()
