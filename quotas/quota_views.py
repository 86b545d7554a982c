"""Pages about the quotas on a group token: the group's, and every member's, edited in place. For admins."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from organizations.access import MemberRequest, find, member_view
from organizations.models import Membership
from organizations.pages import page_of
from organizations.permissions import Permission
from organizations.spreadsheets import csv_response
from tokens.access import find_token
from tokens.models import QpuToken
from tokens.pages import token_url

from . import services
from .access import quota_of
from .durations import typed
from .forms import InlineQuotaForm, QuotaFilter, QuotaForm
from .member_quotas import COLUMNS, IN_NS, ORDERS, beside_quotas, cells_of, narrow, rows_of
from .models import TimeQuotaPolicy


def token_with_quotas(request: MemberRequest, scope: str, name: str) -> QpuToken:
    token = find_token(request.membership, scope, name)
    if not token.takes_quotas:
        raise Http404("This token takes no quotas.")
    return token


def member_called(request: MemberRequest, member_id: int | None) -> Membership | None:
    """The member whose quota is meant; None is the group."""
    if member_id is None:
        return None
    members = request.membership.organization.memberships.select_related("user", "organization")
    return find(members, member_id, "No such member.")


@member_view(Permission.VIEW_QUOTAS)
def token_quotas(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """The quota of the group, and of every member beside what is used, open and left of it."""
    return show_quotas(request, token_with_quotas(request, scope, name), {})


def show_quotas(request: MemberRequest, token: QpuToken, refused: dict[int | None, InlineQuotaForm]) -> HttpResponse:
    """The page, with the forms that were `refused`, by member (None: the group), as they were typed."""
    filters, now = QuotaFilter(request.GET), timezone.now()
    members = narrow(beside_quotas(request.membership.organization.memberships.all(), token), filters, now)
    page = page_of(request, members, ORDERS)
    group = quota_of(token, None)
    context = {
        "membership": request.membership,
        "token": token,
        "group": group,
        "group_form": refused.get(None) or group_form(group),
        "filters": filters,
        "page": page,
        "rows": rows_of(page.rows, token, refused),
        "now": now,
    }
    return render(request, "quotas/token_quotas.html", context)


def group_form(policy: TimeQuotaPolicy | None) -> InlineQuotaForm:
    return InlineQuotaForm(initial={"quota": policy.quota_ns} if policy else {}, auto_id="group-%s")


@member_view(Permission.ASSIGN_QUOTAS)
def set_quota(request: MemberRequest, scope: str, name: str, member_id: int | None = None) -> HttpResponse:
    """Give the group or a member another quota, from within the list, and go back to the list as it was."""
    token, member = token_with_quotas(request, scope, name), member_called(request, member_id)
    list_url = f"{token_url('token-quotas', request.membership, token)}?{request.GET.urlencode()}"
    if request.method != "POST":
        return redirect(list_url)
    html_id = "group" if member is None else f"member-{member.pk}"
    form = InlineQuotaForm(request.POST, auto_id=f"{html_id}-%s")
    if form.is_valid() and save(request, token, member, form):
        return redirect(list_url)
    return show_quotas(request, token, {member_id: form})


@member_view(Permission.ASSIGN_QUOTAS)
def edit_quota(request: MemberRequest, scope: str, name: str, member_id: int | None = None) -> HttpResponse:
    """Set or change the quota of the group or of a member, with the days from and to which it holds."""
    token, member = token_with_quotas(request, scope, name), member_called(request, member_id)
    policy = quota_of(token, member)
    form = QuotaForm(request.POST or None, policy=policy)
    if form.is_valid() and save(request, token, member, form):
        return redirect(token_url("token-quotas", request.membership, token))
    context = {"membership": request.membership, "token": token, "member": member, "policy": policy, "form": form}
    return render(request, "quotas/edit_quota.html", context)


def save(request: MemberRequest, token: QpuToken, member: Membership | None, form: InlineQuotaForm | QuotaForm) -> bool:
    """Whether the quota could be set as the form asks; if not, the form says why."""
    policy = quota_of(token, member)
    try:
        if policy is None:
            policy = services.assign_quota(
                token=token, member=member, **form.as_asked(), by=request.membership, now=timezone.now()
            )
        else:
            policy = services.change_quota(policy=policy, **form.as_asked(), by=request.membership)
    except ValidationError as error:
        form.add_error("quota", ValidationError(error.messages))
        return False
    messages.success(request, sentence_about(policy, member))
    return True


def sentence_about(policy: TimeQuotaPolicy, member: Membership | None) -> str:
    if member is None:
        return _("The group may spend %(quota)s.") % {"quota": typed(policy.quota_ns)}
    return _("%(name)s may spend %(quota)s.") % {"name": member.user.get_full_name(), "quota": typed(policy.quota_ns)}


@member_view(Permission.ASSIGN_QUOTAS)
def remove_quota(request: MemberRequest, scope: str, name: str, member_id: int | None = None) -> HttpResponse:
    """Take a limit away, after saying what that means."""
    token, member = token_with_quotas(request, scope, name), member_called(request, member_id)
    policy = quota_of(token, member)
    if policy is None:
        return redirect(token_url("token-quotas", request.membership, token))
    if request.method == "POST":
        services.remove_quota(policy=policy, by=request.membership)
        messages.success(request, _("The quota is removed."))
        return redirect(token_url("token-quotas", request.membership, token))
    context = {"membership": request.membership, "token": token, "member": member, "policy": policy}
    return render(request, "quotas/remove_quota.html", context)


@member_view(Permission.VIEW_QUOTAS)
def export_quotas(request: MemberRequest, scope: str, name: str) -> HttpResponseBase:
    """Every member with their quota as CSV, which can be changed in a spreadsheet and read back."""
    token = token_with_quotas(request, scope, name)
    members = beside_quotas(request.membership.organization.memberships.all(), token).order_by("user__email")
    rows = map(cells_of, members.iterator(chunk_size=1000))
    return csv_response([*COLUMNS, *IN_NS], rows, f"quotas-{request.membership.organization.slug}.csv")
