"""The page of a token's rules: which solvers, how large a job, how many at once."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from organizations.access import MemberRequest, member_view
from organizations.permissions import Permission
from tokens.models import Provider
from tokens.pages import managed_token, token_url

from .forms import RulesForm
from .rules import change_rules, rules_of


@member_view(Permission.MANAGE_OWN_TOKENS)
def token_rules(request: MemberRequest, scope: str, name: str) -> HttpResponse:
    """Show and change what jobs on a token may be, beside its quotas."""
    token = managed_token(request, scope, name)
    if token.provider != Provider.DWAVE:
        raise Http404("This token takes no rules.")
    form = RulesForm(request.POST or None, rules=rules_of(token))
    if form.is_valid():
        try:
            change_rules(token=token, by=request.membership, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Saved. The rules hold for jobs that come from now on."))
            return redirect(token_url("token-rules", request.membership, token))
    context = {"membership": request.membership, "token": token, "form": form}
    return render(request, "gateway/token_rules.html", context)
