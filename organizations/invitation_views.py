"""Pages about invitations: sending many at once, and those that nobody has accepted yet."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from . import services
from .access import MemberRequest, find, member_view
from .forms import InviteForm
from .invitees import Invitee, Outlook, read
from .models import Invitation
from .pages import page_of
from .permissions import Permission
from .throttles import InvitationThrottle

ENDS_SOON = timedelta(days=2)


@member_view(Permission.VIEW_MEMBERS)
def invitations(request: MemberRequest) -> HttpResponse:
    """Invitations that were neither accepted nor revoked, newest first."""
    now = timezone.now()
    pending = request.membership.organization.invitations.pending()
    context = {
        "membership": request.membership,
        "page": page_of(request, pending, ["-id", "id", "email", "-email"]),
        "now": now,
        "soon": now + ENDS_SOON,
    }
    return render(request, "organizations/invitations.html", context)


@member_view(Permission.MANAGE_MEMBERS)
def invite(request: MemberRequest) -> HttpResponse:
    """Ask whom to invite; what is posted is shown line by line before anything is sent."""
    form = InviteForm(request.POST or None, request.FILES or None)
    invitees = read(form.cleaned_data["people"], request.membership.organization) if form.is_valid() else None
    return show_invite(request, form, invitees)


def show_invite(request: MemberRequest, form: InviteForm, invitees: list[Invitee] | None) -> HttpResponse:
    if invitees is not None:  # with the lines of the file in the field, where they can be put right
        form = InviteForm(initial=form.cleaned_data)
        form.fields["people"].widget.attrs["autofocus"] = False  # the preview is what to look at now
    context = {
        "membership": request.membership,
        "form": form,
        "invitees": invitees,
        "sendable": sum(invitee.will_be_sent for invitee in invitees or []),
        "days": settings.INVITATION_DAYS,
    }
    return render(request, "organizations/invite.html", context)


@member_view(Permission.MANAGE_MEMBERS)
@require_POST
def send_invitations(request: MemberRequest) -> HttpResponse:
    """Invite everybody whose line is right. Lines with mistakes come back to be corrected."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return show_invite(request, form, None)
    invitees = read(form.cleaned_data["people"], request.membership.organization)
    emails = [invitee.email for invitee in invitees if invitee.will_be_sent]
    if not emails:
        return show_invite(request, form, invitees)
    if not may_send(request, len(emails)):
        return show_invite(request, form, invitees)
    try:
        sent = services.invite_all(
            emails=emails, role=form.cleaned_data["role"], by=request.membership, now=timezone.now()
        )
    except ValidationError as error:  # somebody joined between preview and sending
        messages.error(request, " ".join(error.messages))
        return show_invite(request, form, invitees)
    messages.success(request, sent_sentence(len(sent)))
    wrong = [invitee for invitee in invitees if invitee.outlook == Outlook.WRONG]
    if not wrong:
        return redirect("invitations", request.membership.organization.slug)
    form.cleaned_data["people"] = "\n".join(invitee.text for invitee in wrong)
    return show_invite(request, form, read(form.cleaned_data["people"], request.membership.organization))


def may_send(request: MemberRequest, count: int) -> bool:
    """Whether so many more mails may go out now; says so if not."""
    if InvitationThrottle().allows(request, count):
        return True
    messages.warning(request, _("These are too many invitations for one hour. Invite some now, and the others later."))
    return False


def sent_sentence(count: int) -> str:
    return ngettext("%(count)d invitation is on its way.", "%(count)d invitations are on their way.", count) % {
        "count": count
    }


def pending_invitation(request: MemberRequest, invitation_id: int) -> Invitation:
    pending = request.membership.organization.invitations.pending()
    return find(pending, invitation_id, "No such invitation.")


@member_view(Permission.MANAGE_MEMBERS)
@require_POST
def resend_invitation(request: MemberRequest, invitation_id: int) -> HttpResponse:
    """Send the mail again, with a link that is good for as long as a new one."""
    invitation = pending_invitation(request, invitation_id)
    if not may_send(request, 1):
        return redirect("invitations", request.membership.organization.slug)
    try:
        services.invite_all(emails=[invitation.email], role=invitation.role, by=request.membership, now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The mail to %(email)s is on its way again.") % {"email": invitation.email})
    return redirect("invitations", request.membership.organization.slug)


@member_view(Permission.MANAGE_MEMBERS)
@require_POST
def revoke_invitation(request: MemberRequest, invitation_id: int) -> HttpResponse:
    """Withdraw an invitation; a new one undoes that."""
    invitation = pending_invitation(request, invitation_id)
    now: datetime = timezone.now()
    try:
        services.revoke_invitation(invitation=invitation, by=request.membership, now=now)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        sentence = _("The link sent to %(email)s no longer works. To undo this, invite them again.")
        messages.success(request, sentence % {"email": invitation.email})
    return redirect("invitations", request.membership.organization.slug)
