"""Pages about API keys: a member's own and, for admins, everybody's."""

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from . import services
from .access import MemberRequest, find, member_view
from .forms import IssueKeyForm, KeyFilter, RenameKeyForm
from .models import ApiKey
from .pages import page_of
from .permissions import Permission


@member_view(Permission.VIEW_OWN_KEYS)
def keys(request: MemberRequest) -> HttpResponse:
    """My API keys, newest first, with those that no longer work."""
    context = {
        "membership": request.membership,
        "page": page_of(request, request.membership.keys.all(), ["-id"]),
        "now": timezone.now(),
    }
    return render(request, "organizations/keys.html", context)


@member_view(Permission.MANAGE_OWN_KEYS)
@never_cache
def issue_key(request: MemberRequest) -> HttpResponse:
    """Make an API key; the answer to the form shows it, once."""
    form = IssueKeyForm(request.POST or None)
    if form.is_valid():
        try:
            key, raw_key = services.issue_key(**form.as_asked(), by=request.membership, now=timezone.now())
        except ValidationError as error:
            form.add_error(None, error)
        else:
            context = {
                "membership": request.membership,
                "key": key,
                "raw_key": raw_key,
                "portal_url": settings.PORTAL_URL,
            }
            return render(request, "organizations/key_issued.html", context)
    return render(request, "organizations/issue_key.html", {"membership": request.membership, "form": form})


@member_view(Permission.MANAGE_OWN_KEYS)
def rename_key(request: MemberRequest, key_id: int) -> HttpResponse:
    """Give a key that still works another name."""
    key = find(request.membership.keys.filter(revoked_at=None), key_id, "No such key.")
    form = RenameKeyForm(request.POST or None, initial={"name": key.name})
    if form.is_valid():
        services.rename_key(key=key, name=form.cleaned_data["name"], by=request.membership)
        return redirect("keys", request.membership.organization.slug)
    context = {"membership": request.membership, "key": key, "form": form}
    return render(request, "organizations/rename_key.html", context)


@member_view(Permission.MANAGE_OWN_KEYS)
def revoke_key(request: MemberRequest, key_id: int) -> HttpResponse:
    """Stop one of my keys, after saying what that does."""
    key = find(request.membership.keys.filter(revoked_at=None), key_id, "No such key.")
    return revoke(request, key, back="keys")


def revoke(request: MemberRequest, key: ApiKey, *, back: str) -> HttpResponse:
    if request.method == "POST":
        services.revoke_key(key=key, by=request.membership, now=timezone.now())
        sentence = _("%(key)s is revoked. Programs that use it get no answer from now on.")
        messages.success(request, sentence % {"key": key.name})
        return redirect(back, request.membership.organization.slug)
    context = {"membership": request.membership, "key": key, "back": back}
    return render(request, "organizations/revoke_key.html", context)


# --- For admins -------------------------------------------------------------------------------------------------------


@member_view(Permission.VIEW_MEMBERS)
def all_keys(request: MemberRequest) -> HttpResponse:
    """Everybody's API keys that still work, so that a lost or forgotten one can be revoked."""
    now: datetime = timezone.now()
    filters = KeyFilter(request.GET)
    everybodys = ApiKey.objects.of_organization(request.membership.organization).usable(now)
    context = {
        "membership": request.membership,
        "filters": filters,
        "page": page_of(request, filters.narrow(everybodys.select_related("membership__user")), ["-id", "id"]),
        "now": now,
    }
    return render(request, "organizations/all_keys.html", context)


@member_view(Permission.MANAGE_MEMBERS)
def revoke_anyones_key(request: MemberRequest, key_id: int) -> HttpResponse:
    """Stop anybody's key, after saying what that does."""
    everybodys = ApiKey.objects.of_organization(request.membership.organization).filter(revoked_at=None)
    key = find(everybodys.select_related("membership__user", "membership__organization"), key_id, "No such key.")
    return revoke(request, key, back="all-keys")
