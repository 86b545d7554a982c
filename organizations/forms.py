"""What people type on the pages of organizations."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from .models import ApiKey, Organization
from .permissions import Scope


class OrganizationForm(forms.ModelForm):
    class Meta:
        model = Organization
        fields = ("name",)
        help_texts = {"name": "Your lab, course or company."}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True})}


class IssueKeyForm(forms.ModelForm):
    LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("0", "Never")]

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=Scope.values,
        widget=forms.CheckboxSelectMultiple,
        label="May be used to",
        help_text="Never more than you may do yourself.",
    )
    lifetime = forms.ChoiceField(choices=LIFETIMES, initial="365", label="Expires after")

    class Meta:
        model = ApiKey
        fields = ("name",)
        help_texts = {"name": "Where you will use it, such as “laptop” or “thesis notebook”."}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})}

    def as_asked(self) -> dict[str, Any]:
        """What services.issue_key takes."""
        data = self.cleaned_data
        days = int(data["lifetime"])
        expires_at = timezone.now() + timedelta(days=days) if days else None
        return {"name": data["name"], "scopes": data["scopes"], "expires_at": expires_at}
