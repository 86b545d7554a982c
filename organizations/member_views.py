"""Pages about the members of an organization: who they are, their roles, and letting them go."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from . import services
from .access import MemberRequest, find, member_view
from .forms import MemberFilter
from .models import Membership
from .pages import page_of
from .permissions import Permission, Role


@member_view(Permission.VIEW_MEMBERS)
def members(request: MemberRequest) -> HttpResponse:
    """Everybody in the organization: searched, filtered, sorted, and their roles changed in place."""
    filters = MemberFilter(request.GET, request.membership.organization)
    people = filters.narrow(request.membership.organization.memberships.all()).select_related("user").with_activity()
    context = {
        "membership": request.membership,
        "filters": filters,
        "page": page_of(request, people, ["email", "-email", "-id", "id"]),
        "roles": Role.choices,
    }
    return render(request, "organizations/members.html", context)


def other_member(request: MemberRequest, member_id: int) -> Membership:
    """A member whom the visitor may manage here: not themselves, so that nobody locks themselves out by a slip."""
    others = request.membership.organization.memberships.exclude(pk=request.membership.pk)
    return find(others.select_related("user", "organization"), member_id, "No such member.")


@member_view(Permission.MANAGE_MEMBERS)
@require_POST
def change_role(request: MemberRequest, member_id: int) -> HttpResponse:
    """Give another member another role, and go back to the list as it was."""
    member = other_member(request, member_id)
    try:
        services.change_role(membership=member, role=request.POST.get("role", ""), by=request.membership)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, role_sentence(member))
    return redirect(f"{reverse('members', args=[request.membership.organization.slug])}?{request.GET.urlencode()}")


def role_sentence(member: Membership) -> str:
    name = member.user.get_full_name()
    return (
        _("%(name)s is an admin now.") % {"name": name}
        if member.is_admin
        else _("%(name)s is a member now.") % {"name": name}
    )


@member_view(Permission.MANAGE_MEMBERS)
def remove_member(request: MemberRequest, member_id: int) -> HttpResponse:
    """Take somebody out, after saying what goes with them."""
    member = other_member(request, member_id)
    if request.method == "POST":
        try:
            services.remove_member(membership=member, by=request.membership)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            name = member.user.get_full_name()
            messages.success(request, _("%(name)s is no longer in the organization.") % {"name": name})
            return redirect("members", request.membership.organization.slug)
    context = {"membership": request.membership, "member": member, "keys": member.keys.usable(timezone.now()).count()}
    return render(request, "organizations/remove_member.html", context)


@member_view(Permission.LEAVE_ORGANIZATION)
def leave(request: MemberRequest) -> HttpResponse:
    """Leave the organization, after saying what goes with one's membership."""
    member = request.membership
    if request.method == "POST":
        try:
            services.remove_member(membership=member, by=member)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("You have left %(organization)s.") % {"organization": member.organization})
            return redirect("home")
    context = {
        "membership": member,
        "keys": member.keys.usable(timezone.now()).count(),
        "is_last_admin": services.is_last_admin(member),
    }
    return render(request, "organizations/leave.html", context)
