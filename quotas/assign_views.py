"""Pages on which the quotas of many members are set or removed at once, after a look at what changes. For admins."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from organizations.access import MemberRequest, member_view
from organizations.models import Membership, MembershipQuerySet
from organizations.permissions import Permission
from tokens.models import QpuToken
from tokens.pages import token_url

from .assignees import Default, Entry, entries_of, people_text
from .assignments import Assignment, Outlook, Wish, assign_many, remove_many
from .forms import AssignForm
from .member_quotas import beside_quotas
from .quota_views import token_with_quotas

MOST_SHOWN = 500


@member_view(Permission.ASSIGN_QUOTAS)
def assign_quotas(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Ask who is to have how much; what is posted is shown line by line before anything changes."""
    token = token_with_quotas(request, scope, name)
    if request.method != "POST":
        return show_assign(request, token, AssignForm(initial={"whom": "list"}), None)
    form = AssignForm(asked_for(request), request.FILES)
    return show_assign(request, token, form, look_ahead(request, token, form))


def asked_for(request: MemberRequest) -> QueryDict:
    """What was posted; members who were ticked in the list of quotas become the list of people."""
    if not request.POST.getlist("member"):
        return request.POST
    data = request.POST.copy()
    data["whom"], data["people"] = "list", people_text(list(ticked(request)))
    return data


def ticked(request: MemberRequest) -> MembershipQuerySet:
    pks = [pk for pk in request.POST.getlist("member") if pk.isascii() and pk.isdecimal() and len(pk) < 19]
    return of_organization(request).filter(pk__in=pks)


def of_organization(request: MemberRequest) -> MembershipQuerySet:
    members = request.membership.organization.memberships.select_related("user", "organization")
    return members.order_by("user__email")


def look_ahead(request: MemberRequest, token: QpuToken, form: AssignForm) -> list[Entry] | None:
    """What the form asks for, line by line; None where it has mistakes."""
    if not form.is_valid():
        return None
    data = form.cleaned_data
    if data["whom"] != "list":
        data["people"] = people_text(everybody(request, token, without_quota=data["whom"] == "without"))
    default = Default(data["quota"], **form.window)
    try:
        return entries_of(data["people"], default, token, request.membership.organization, timezone.now())
    except ValidationError as error:
        form.add_error("last", ValidationError(error.messages))
        return None


def everybody(request: MemberRequest, token: QpuToken, *, without_quota: bool) -> list[Membership]:
    members = beside_quotas(request.membership.organization.memberships.all(), token)
    if without_quota:
        members = members.filter(own=None)  # type: ignore[misc]  # annotated
    return list(members.order_by("user__email"))


def show_assign(
    request: MemberRequest, token: QpuToken, form: AssignForm, entries: Sequence[Entry] | None
) -> HttpResponse:
    if entries is not None:  # with all lines in the field, where they can be put right
        form = AssignForm(initial=form.cleaned_data | {"whom": "list"})
    context = {
        "membership": request.membership,
        "token": token,
        "form": form,
        "days": [form["first"], form["last"]],
        "preview": None if entries is None else preview(entries),
    }
    return render(request, "quotas/assign_quotas.html", context)


def preview(entries: Sequence[Entry]) -> dict[str, Any]:
    strangers = [entry.line.email for entry in entries if entry.is_stranger]
    shown = entries
    if len(entries) > MOST_SHOWN:  # those first that somebody has to look at
        shown = sorted(entries, key=lambda entry: entry.assignment is not None)[:MOST_SHOWN]
    return {
        "entries": shown,
        "not_shown": len(entries) - len(shown),
        "changing": sum(changes(entry.assignment) for entry in entries),
        "strangers": len(strangers),
        "people_to_invite": "\n".join(strangers),
    }


def changes(assignment: Assignment | None) -> bool:
    return assignment is not None and assignment.outlook != Outlook.SAME


@member_view(Permission.ASSIGN_QUOTAS)
def apply_quotas(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Set all quotas that can be set, together. Lines with mistakes come back to be corrected."""
    token = token_with_quotas(request, scope, name)
    if request.method != "POST":
        return redirect(token_url("assign-quotas", request.membership, token))
    form = AssignForm(request.POST)
    entries = look_ahead(request, token, form)
    if entries is None:
        return show_assign(request, token, form, None)
    try:
        changed = assign_many(token=token, wishes=wishes_of(entries), by=request.membership, now=timezone.now())
    except ValidationError as error:  # somebody left between preview and now
        messages.error(request, " ".join(error.messages))
        return show_assign(request, token, form, entries)
    messages.success(request, sentence_about(changed))
    if all(entry.assignment for entry in entries):
        return redirect(token_url("token-quotas", request.membership, token))
    form.cleaned_data["people"] = "\n".join(entry.line.text for entry in entries if not entry.assignment)
    return show_assign(request, token, form, look_again(request, token, form))


def look_again(request: MemberRequest, token: QpuToken, form: AssignForm) -> list[Entry]:
    """What is left of the list, line by line."""
    default = Default(form.cleaned_data["quota"], **form.window)
    return entries_of(form.cleaned_data["people"], default, token, request.membership.organization, timezone.now())


def wishes_of(entries: Sequence[Entry]) -> list[Wish]:
    assignments = [entry.assignment for entry in entries if entry.assignment]
    return [Wish(each.member, each.quota_ns, each.window.starts_at, each.window.ends_at) for each in assignments]


def sentence_about(count: int) -> str:
    if not count:
        return _("Nothing had to be changed.")
    return ngettext("%(count)d quota is set.", "%(count)d quotas are set.", count) % {"count": count}


@member_view(Permission.ASSIGN_QUOTAS)
def remove_quotas(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Take the limits of those away who were ticked in the list, or of everybody, after naming them."""
    token = token_with_quotas(request, scope, name)
    is_everybody = request.POST.get("whom") == "everybody"
    chosen = of_organization(request) if is_everybody else ticked(request)
    members = list(chosen.filter(quotas__token=token))
    back = redirect(token_url("token-quotas", request.membership, token))
    if not members:
        messages.info(request, _("Nobody has a quota.") if is_everybody else _("Nobody with a quota was ticked."))
        return back
    if "confirmed" in request.POST:
        count = remove_many(token=token, members=members, by=request.membership)
        sentence = ngettext("%(count)d quota is removed.", "%(count)d quotas are removed.", count)
        messages.success(request, sentence % {"count": count})
        return back
    context = {"membership": request.membership, "token": token, "members": members, "is_everybody": is_everybody}
    return render(request, "quotas/remove_quotas.html", context)
