"""What people type on the pages of organizations."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.models import Event, EventQuerySet

from .invitees import MOST_INVITEES
from .models import ApiKey, ApiKeyQuerySet, MembershipQuerySet, Organization
from .permissions import Role, Scope


class OrganizationForm(forms.ModelForm):
    class Meta:
        model = Organization
        fields: ClassVar[tuple[str, ...]] = ("name",)
        labels = {"name": _("Name")}
        help_texts = {"name": _("Your lab, course or company.")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True})}


class SettingsForm(OrganizationForm):
    class Meta(OrganizationForm.Meta):
        fields = ("name", "default_quota_days")
        labels = {"name": _("Name"), "default_quota_days": _("Days that a time quota lasts")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "organization"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sentence = _("Where no end is given. Empty: %(days)d, as the operators of this portal have set.")
        self.fields["default_quota_days"].help_text = sentence % {"days": settings.QUOTA_DEFAULT_DAYS}


class DomainsField(forms.CharField):
    """Domains, one to a line or with commas between them, which clean to a list."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return re.split(r"[\s,;]+", text) if (text := super().clean(value)) else []


class SignInRulesForm(forms.Form):
    requires_second_factor = forms.BooleanField(
        required=False,
        label=_("Members need a second factor"),
        help_text=_(
            "Who has none is led to set one up before any page of the organization opens. "
            "Programs go on with their API keys."
        ),
    )
    email_domains = DomainsField(
        required=False,
        label=_("Allowed email domains"),
        help_text=_("Such as example.com, one to a line. Subdomains count only if they are named. Empty: everybody."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )


class CloseForm(forms.Form):
    """Makes sure that the right organization is meant: its name has to be typed."""

    name = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, data: Any, *, organization: Organization) -> None:
        super().__init__(data)
        self.organization = organization
        self.fields["name"].label = _("To confirm, type %(name)s") % {"name": organization.name}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name != self.organization.name:
            raise forms.ValidationError(_("Type the name exactly as it stands above the field."))
        return name


class IssueKeyForm(forms.ModelForm):
    LIFETIMES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("0", _("Never"))]

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=Scope.values,
        widget=forms.CheckboxSelectMultiple,
        label=_("May be used to"),
        help_text=_("Never more than you may do yourself."),
    )
    lifetime = forms.ChoiceField(choices=LIFETIMES, initial="365", label=_("Expires after"))

    class Meta:
        model = ApiKey
        fields = ("name",)
        labels = {"name": _("Name")}
        help_texts = {"name": _("Where you will use it, such as “laptop” or “thesis notebook”.")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})}

    def as_asked(self) -> dict[str, Any]:
        """What services.issue_key takes."""
        data = self.cleaned_data
        days = int(data["lifetime"])
        expires_at = timezone.now() + timedelta(days=days) if days else None
        return {"name": data["name"], "scopes": data["scopes"], "expires_at": expires_at}


class RenameKeyForm(forms.ModelForm):
    class Meta:
        model = ApiKey
        fields = ("name",)
        labels = {"name": _("Name")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})}


class KeyFilter(forms.Form):
    """Which of everybody's keys a list shows."""

    search = forms.CharField(required=False, label=_("Search by owner or name of the key"))

    def narrow(self, keys: ApiKeyQuerySet) -> ApiKeyQuerySet:
        """Those of the `keys` that fit."""
        self.is_valid()
        part = self.cleaned_data.get("search")
        return keys.about(part) if part else keys


class MemberFilter(forms.Form):
    """Which members a list shows; what cannot be understood is left out."""

    ADDRESSES = [("", _("Any address")), ("outside", _("Outside of the allowed domains"))]
    FACTORS = [("", _("Any sign-in")), ("yes", _("With second factor")), ("no", _("Without second factor"))]

    search = forms.CharField(required=False, label=_("Search by name or address"))
    role = forms.ChoiceField(choices=[("", _("All roles")), *Role.choices], required=False, label=_("Role"))
    factor = forms.ChoiceField(choices=FACTORS, required=False, label=_("Sign-in"))
    address = forms.ChoiceField(choices=ADDRESSES, required=False, label=_("Domain of the address"))

    def __init__(self, data: Any, organization: Organization) -> None:
        super().__init__(data)
        self.organization = organization
        if not organization.email_domains:
            del self.fields["address"]

    def narrow(self, members: MembershipQuerySet) -> MembershipQuerySet:
        """Those of the `members` who fit."""
        self.is_valid()
        if self.cleaned_data.get("address"):
            members = members.with_address_outside(self.organization.email_domains)
        if part := self.cleaned_data.get("search"):
            members = members.matching(part)
        if role := self.cleaned_data.get("role"):
            members = members.filter(role=role)
        if factor := self.cleaned_data.get("factor"):
            members = members.with_second_factor(factor == "yes")
        return members


class TextFileField(forms.FileField):
    """A list of people in a file, which cleans to its text; empty if there is no file."""

    widget = forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"})

    def __init__(self, *, max_bytes: int, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.max_bytes = max_bytes

    def clean(self, data: Any, initial: Any = None) -> str:
        file = super().clean(data, initial)
        if file is None:
            return ""
        if file.size > self.max_bytes:
            raise forms.ValidationError(_("This file is too large for a list of people."))
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError(
                _("This file is no text in UTF-8. Save it as “CSV UTF-8” and try again.")
            ) from None


class InviteForm(forms.Form):
    """Whom to invite: pasted, or from a file whose lines are added to what was pasted."""

    people = forms.CharField(
        required=False,
        strip=False,
        label=_("Email addresses"),
        help_text=_("One or many to a line, or straight from a spreadsheet. Names beside them do no harm."),
        widget=forms.Textarea(attrs={"rows": 8, "autofocus": True, "spellcheck": "false"}),
    )
    file = TextFileField(max_bytes=200_000, label=_("Or a CSV file"))
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER, label=_("Invite them as"))

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        data["people"] = "\n".join(part for part in (data.get("people", "").rstrip(), data.pop("file", "")) if part)
        if "file" in self.errors:
            return data
        if not data["people"].strip():
            self.add_error("people", _("Type or paste at least one email address."))
        elif data["people"].count("@") > MOST_INVITEES:
            too_many = _("These are more than %(most)d addresses. Invite them in several goes.")
            self.add_error("people", too_many % {"most": MOST_INVITEES})
        return data


class AuditFilter(forms.Form):
    """Which lines of the audit log are shown; what cannot be understood is left out. Days are those of UTC."""

    actor = forms.CharField(required=False, label=_("Who"))
    action = forms.ChoiceField(choices=[("", _("Everything")), *Event.Action.choices], required=False, label=_("What"))
    since = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def narrow(self, events: EventQuerySet) -> EventQuerySet:
        """Those of the `events` that fit; the last day counts whole."""
        self.is_valid()
        data = self.cleaned_data
        if actor := data.get("actor"):
            events = events.filter(actor__icontains=actor)
        if action := data.get("action"):
            events = events.with_action(action)
        if since := data.get("since"):
            events = events.filter(at__gte=midnight(since))
        if until := data.get("until"):
            events = events.filter(at__lt=midnight(until) + timedelta(days=1))
        return events


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
