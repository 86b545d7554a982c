"""Pages on which people take their data with them, and delete their account."""

from collections.abc import Mapping
from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User, normalize_email
from audit import log
from audit.models import Event
from organizations.models import ApiKey
from organizations.views import UserRequest

from . import erasure
from .export import as_json


class DeleteAccountForm(forms.Form):
    """Makes sure that it is no slip: one's address has to be typed."""

    email = forms.CharField(widget=forms.EmailInput(attrs={"autocomplete": "off"}))

    def __init__(self, data: Mapping[str, Any] | None, *, user: User) -> None:
        super().__init__(data)
        self.user = user
        self.fields["email"].label = _("To confirm, type %(name)s") % {"name": user.email}

    def clean_email(self) -> str:
        email = normalize_email(self.cleaned_data["email"])
        if email != self.user.email:
            raise forms.ValidationError(_("Type your address as it stands above the field."))
        return email


@require_safe
@never_cache
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def download_data(request: UserRequest) -> HttpResponseBase:
    """Everything that the portal knows of who asks, as a file."""
    with transaction.atomic():
        log.record(Event.Action.DATA_EXPORTED, by=request.user, target=request.user)
    response = StreamingHttpResponse(as_json(request.user), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="luna-portal-my-data.json"'
    return response


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def delete_account(request: UserRequest) -> HttpResponse:
    """Delete one's account, after saying what goes and what stays."""
    user, now = request.user, timezone.now()
    form = DeleteAccountForm(request.POST or None, user=user)
    if form.is_valid():
        try:
            erasure.close_account(user=user, by=user, now=now)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            logout(request)
            messages.success(request, _("Your account is deleted."))
            return redirect("account_login")
    context = {
        "form": form,
        "to_hand_over": erasure.organizations_to_hand_over(user),
        "memberships": user.memberships.count(),
        "keys": ApiKey.objects.filter(membership__user=user).usable(now).count(),
        "tokens": user.qpu_tokens.count(),
    }
    return render(request, "privacy/delete_account.html", context)
