"""The one page about people that is not allauth's."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from .forms import ProfileForm


def profile(request: HttpRequest) -> HttpResponse:
    """Let the signed-in person change their name."""
    form = ProfileForm(request.POST or None, instance=request.user)

    if form.is_valid():
        form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect("profile")

    return render(request, "accounts/profile.html", {"form": form})
