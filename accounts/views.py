"""The pages about people that are not allauth's."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.i18n import set_language

from .forms import ProfileForm
from .models import User


def profile(request: HttpRequest) -> HttpResponse:
    """Let the signed-in person change their name."""
    form = ProfileForm(request.POST or None, instance=request.user)

    if form.is_valid():
        form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect("profile")

    return render(request, "accounts/profile.html", {"form": form})


@login_not_required
def choose_language(request: HttpRequest) -> HttpResponse:
    """Show the pages in another language from now on and, to who is signed in, write mails in it."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return set_language(request)
