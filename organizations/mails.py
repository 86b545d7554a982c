"""Mails of organizations, sent by the worker."""

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from .models import Invitation


def send_invitation(invitation_id: int) -> None:
    """Mail the link of a pending invitation. Safe to run twice: the same link is sent again."""
    invitation = Invitation.objects.pending().select_related("organization").filter(pk=invitation_id).first()
    if invitation is None:  # revoked or accepted meanwhile
        return
    link = settings.PORTAL_URL + reverse("accept-invitation", args=[invitation.token])
    context = {"invitation": invitation, "link": link}
    send_mail(
        subject=render_to_string("emails/invitation-subject.txt", context).strip(),
        message=render_to_string("emails/invitation-body.txt", context),
        from_email=None,
        recipient_list=[invitation.email],
    )
