"""Input of the pages about people."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .models import User
from .validators import validate_printable


class SignupForm(forms.Form):
    """What sign-up asks for besides allauth's own fields: the base of its form for passwords and of that for SSO."""

    first_name = forms.CharField(label=_("First name"), max_length=150, required=False, validators=[validate_printable])
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False, validators=[validate_printable])

    field_order = ["email", "first_name", "last_name", "password1", "password2"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if email := get_adapter().invited_email(context.request):
            self.initial["email"] = email
            self.fields["email"].disabled = True  # an invitation is for one address; a posted one is ignored

    def signup(self, request: HttpRequest, user: User) -> None:
        """Nothing to add: the adapter's save_user() has stored the names."""


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name")
        labels = {"first_name": _("First name"), "last_name": _("Last name")}
