"""Pages about tokens: which there are, how to use one, and changing it. tokens/pages.py says where the others are."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from organizations.access import MemberRequest, member_view
from organizations.pages import page_of
from organizations.permissions import Permission

from . import services
from .access import find_token
from .forms import ReplaceSecretForm, TokenFilter, TokenForm, UploadForm
from .models import Provider, QpuToken
from .pages import dwave_endpoint, managed_token, token_url
from .probe import Outcome
from .snippets import dwave_snippets
from .throttles import probe


def test_now(request: MemberRequest, token: QpuToken) -> None:
    """Ask the provider about a token that is stored already, and tell what came of it."""
    finding = probe(token, request)
    level = {Outcome.ACCEPTED: messages.SUCCESS, Outcome.REFUSED: messages.ERROR, Outcome.UNREACHABLE: messages.WARNING}
    messages.add_message(request, level.get(finding.outcome, messages.INFO), finding.message)


@member_view(Permission.VIEW_TOKENS)
def tokens(request: MemberRequest) -> HttpResponse:
    """The tokens that I can use, my own and the group's, and what is left of them for me."""
    filters = TokenFilter(request.GET)
    found = QpuToken.objects.visible_to(request.membership)
    if filters.is_valid():
        found = found.filter(name__icontains=filters.cleaned_data["search"])
    context = {
        "membership": request.membership,
        "filters": filters,
        "page": page_of(request, found, ["name", "-name", "-id", "id"]),
    }
    return render(request, "tokens/tokens.html", context)


@member_view(Permission.MANAGE_OWN_TOKENS)
def upload_token(request: MemberRequest) -> HttpResponse:
    """Keep a provider's secret. It is tested at once, and kept whatever comes of that."""
    form = UploadForm(request.POST or None, membership=request.membership)
    if form.is_valid():
        try:
            token = services.upload_token(**form.as_asked(), by=request.membership)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(name)s is uploaded.") % {"name": token.name})
            tell_of_same_secret(request, token)
            test_now(request, token)
            return redirect(token_url("token", request.membership, token))
    fields = [form[name] for name in ("provider", "name", "token")]
    return render(
        request, "tokens/upload_token.html", {"membership": request.membership, "form": form, "fields": fields}
    )


def tell_of_same_secret(request: MemberRequest, token: QpuToken) -> None:
    if same := services.same_secret_as(token, seen_by=request.membership):
        sentence = _("The same secret is there already, as %(names)s. Quotas do not count across tokens.")
        messages.warning(request, sentence % {"names": ", ".join(same)})


@member_view(Permission.VIEW_TOKENS)
def token(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """One token: what is left of it for me, and how to use it."""
    token = find_token(request.membership, scope, name)
    context = {
        "membership": request.membership,
        "token": token,
        "is_dwave": token.provider == Provider.DWAVE,
        "snippets": dwave_snippets(token, endpoint=dwave_endpoint(token), portal_url=settings.PORTAL_URL),
    }
    return render(request, "tokens/token.html", context)


@member_view(Permission.MANAGE_OWN_TOKENS)
def token_settings(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Rename a token, move it to another endpoint; and the ways to test, replace and delete it."""
    token = managed_token(request, scope, name)
    form = TokenForm(request.POST or None, token=token)
    if form.is_valid():
        try:
            token = services.change_token(token=token, **form.cleaned_data, by=request.membership)
        except ValidationError as error:
            form.add_error(None, error)
            token = find_token(request.membership, scope, name)
        else:
            messages.success(request, _("Saved. Programs find the token under this name from now on."))
            return redirect(token_url("token-settings", request.membership, token))
    context = {
        "membership": request.membership,
        "token": token,
        "form": form,
        "retired_secrets": token.retired_secrets.order_by("-version").defer("secret"),
    }
    return render(request, "tokens/token_settings.html", context)


@member_view(Permission.MANAGE_OWN_TOKENS)
def test_token(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Ask the provider now whether it accepts the token."""
    token = managed_token(request, scope, name)
    if request.method == "POST":
        test_now(request, token)
    return redirect(token_url("token-settings", request.membership, token))


@member_view(Permission.MANAGE_OWN_TOKENS)
def replace_secret(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Put a new secret in the place of the old one, after saying what becomes of that."""
    token = managed_token(request, scope, name)
    form = ReplaceSecretForm(request.POST or None)
    if form.is_valid():
        try:
            services.replace_secret(
                token=token, secret=form.cleaned_data["token"], by=request.membership, now=timezone.now()
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("New jobs use the new secret from now on."))
            tell_of_same_secret(request, token)
            test_now(request, token)
            return redirect(token_url("token-settings", request.membership, token))
    context = {"membership": request.membership, "token": token, "form": form}
    return render(request, "tokens/replace_secret.html", context)


@member_view(Permission.MANAGE_OWN_TOKENS)
def delete_token(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Delete a token, after saying what goes with it."""
    token = managed_token(request, scope, name)
    if request.method == "POST":
        services.delete_token(token=token, by=request.membership)
        messages.success(request, _("%(name)s is deleted.") % {"name": name})
        return redirect("tokens", request.membership.organization.slug)
    return render(request, "tokens/delete_token.html", {"membership": request.membership, "token": token})
