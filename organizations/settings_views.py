"""Pages of an organization's settings: its name and usual window, who gets in how, and its end."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.providers import providers

from . import closing, services
from .access import MemberRequest, member_view
from .forms import CloseForm, SettingsForm, SignInRulesForm
from .models import ApiKey
from .permissions import Permission


@member_view(Permission.MANAGE_ORGANIZATION)
def organization_settings(request: MemberRequest) -> HttpResponse:
    """The organization's name, how long its quotas last, what its plan includes, and the ways out."""
    form = SettingsForm(request.POST or None, initial=initial_of(request, SettingsForm))
    if save(request, form):
        messages.success(request, _("The settings are saved."))
        return redirect("organization-settings", request.membership.organization.slug)
    return render(request, "organizations/settings.html", {"membership": request.membership, "form": form})


@member_view(Permission.MANAGE_ORGANIZATION)
def sign_in_rules(request: MemberRequest) -> HttpResponse:
    """Whether members need a second factor, whose addresses are taken, and what single sign-on there is."""
    organization = request.membership.organization
    typed = request.POST if request.method == "POST" else None  # which is empty where nothing is ticked
    form = SignInRulesForm(typed, initial=initial_of(request, SignInRulesForm))
    if save(request, form):
        messages.success(request, _("The sign-in rules are saved."))
        return redirect("sign-in-rules", organization.slug)
    organization.refresh_from_db()
    members = organization.memberships.all()
    context = {
        "membership": request.membership,
        "form": form,
        "members": members.count(),
        "without_factor": members.with_second_factor(False).count(),
        "outside": members.with_address_outside(organization.email_domains).count(),
        "providers": providers(),
    }
    return render(request, "organizations/sign_in_rules.html", context)


# --- The end ----------------------------------------------------------------------------------------------------------


@member_view(Permission.MANAGE_ORGANIZATION)
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def close_organization(request: MemberRequest) -> HttpResponse:
    """Close the organization, after saying what goes and what stays, and asking for its name."""
    organization, now = request.membership.organization, timezone.now()
    form = CloseForm(request.POST or None, organization=organization)
    if form.is_valid():
        try:
            closing.close_organization(organization=organization, by=request.membership, now=now)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("closed-organization", organization.slug)
    context = {
        "membership": request.membership,
        "form": form,
        "members": organization.memberships.count(),
        "keys": ApiKey.objects.of_organization(organization).usable(now).count(),
        "tokens": organization.qpu_tokens.count(),
        "goes_at": now + organization.DELETED_AFTER,
    }
    return render(request, "organizations/close.html", context)


@member_view(Permission.VIEW_ORGANIZATION, also_closed=True)
def closed_organization(request: MemberRequest) -> HttpResponse:
    """Where all pages of a closed organization lead: when it goes, and for admins the way back."""
    if not request.membership.organization.is_closed:
        return redirect(request.membership.organization)
    return render(request, "organizations/closed.html", {"membership": request.membership})


@member_view(Permission.MANAGE_ORGANIZATION, also_closed=True)
@require_POST
def reopen_organization(request: MemberRequest) -> HttpResponse:
    """Undo the closing."""
    try:
        closing.reopen_organization(organization=request.membership.organization, by=request.membership)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The organization is open again, with all that it had."))
    return redirect(request.membership.organization)


def initial_of(request: MemberRequest, form_class: type[SettingsForm | SignInRulesForm]) -> dict[str, object]:
    """What the fields hold now. The organization itself is the service's to change, not the form's."""
    return {name: getattr(request.membership.organization, name) for name in form_class.base_fields}


def save(request: MemberRequest, form: SettingsForm | SignInRulesForm) -> bool:
    """Whether what was typed is in force now; else the form says beside its fields what to do."""
    if not form.is_valid():
        return False
    try:
        services.change_organization(by=request.membership, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True
