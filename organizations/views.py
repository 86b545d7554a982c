"""Pages of organizations: finding one, founding one, joining one."""

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import User

from . import services
from .access import may_found_organizations, require_founder
from .forms import OrganizationForm
from .models import Invitation


class UserRequest(HttpRequest):
    """The request of somebody who is signed in."""

    user: User


def home(request: UserRequest) -> HttpResponse:
    """Go to one's only organization, or choose."""
    memberships = list(request.user.memberships.select_related("organization").order_by("organization__name")[:100])
    if len(memberships) == 1:
        return redirect(memberships[0].organization)
    context = {"memberships": memberships, "may_found": may_found_organizations(request.user)}
    return render(request, "organizations/home.html", context)


def create_organization(request: UserRequest) -> HttpResponse:
    require_founder(request.user)
    form = OrganizationForm(request.POST or None)
    if form.is_valid():
        membership = services.create_organization(name=form.cleaned_data["name"], by=request.user)
        return redirect(membership.organization)
    return render(request, "organizations/create_organization.html", {"form": form})


# --- Invitations ------------------------------------------------------------------------------------------------------


def open_invitation(token: str) -> Invitation:
    try:
        invitation = Invitation.from_token(token)
    except Invitation.DoesNotExist:
        raise Http404 from None
    if not invitation.is_open(timezone.now()):
        raise Http404
    return invitation


@login_not_required
@never_cache
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What an invitation's link opens. Joining takes a POST, because mail scanners follow links."""
    try:
        invitation = open_invitation(token)
    except Http404:
        return render(request, "organizations/invitation_closed.html", status=404)
    if request.method == "POST" and isinstance(request.user, User):
        try:
            membership = services.accept_invitation(invitation=invitation, user=request.user, now=timezone.now())
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            sentence = _("You are a member of %(organization)s now.")
            messages.success(request, sentence % {"organization": membership.organization})
            return redirect(membership.organization)
    is_mine = isinstance(request.user, User) and services.is_invited(request.user, invitation)
    context = {"invitation": invitation, "token": token, "is_mine": is_mine}
    return render(request, "organizations/accept_invitation.html", context)


@login_not_required
@require_POST
def sign_up_invited(request: HttpRequest, token: str) -> HttpResponse:
    """Sign up with the invited address, which the link has shown to be theirs; then back to the invitation."""
    invitation = open_invitation(token)
    get_adapter(request).stash_verified_email(request, invitation.email)
    back = reverse("accept-invitation", args=[token])
    return redirect(f"{reverse('account_signup')}?{urlencode({'email': invitation.email, 'next': back})}")
