"""What people type on the pages of quotas: durations as they say them, and days of UTC."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from organizations.forms import TextFileField

from .durations import parse, typed
from .models import TimeQuotaPolicy
from .policies import MAX_NS
from .units import decimal_sign

MOST_PEOPLE = 10_000
DAYS = [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(9998, 12, 31))]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


class DurationField(forms.CharField):
    """Nanoseconds, typed and shown as people say them."""

    def __init__(self, *, min_value: int = 0, **kwargs: Any) -> None:
        self.min_value = min_value
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 10}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return typed(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            ns = parse(text, decimal_sign())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if not self.min_value <= ns <= MAX_NS:
            raise forms.ValidationError(
                _("Choose %(least)s to %(most)s.") % {"least": typed(self.min_value), "most": typed(MAX_NS)}
            )
        return ns

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except forms.ValidationError:
            return True


class DayField(forms.DateField):
    """A day of UTC."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(required=False, widget=widget, validators=DAYS, **kwargs)


class InlineQuotaForm(forms.Form):
    """A quota that is edited in a list; its window stays."""

    quota = DurationField(
        error_messages={"required": _("Type a quota such as 30 s. To take the limit away, choose Edit.")}
    )

    def as_asked(self) -> dict[str, Any]:
        return {"quota_ns": self.cleaned_data["quota"], "start": None, "end": None}


class WindowForm(forms.Form):
    """From the beginning of the first to the end of the last day. What is left open, or as it was, stays."""

    first = DayField(label=_("First day"), help_text=_("UTC. Empty: from now on."))
    last = DayField(
        label=_("Last day"), help_text=_("UTC. Empty: as many days from the first as the organization's settings say.")
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day cannot be before the first."))
        return data

    @property
    def window(self) -> dict[str, datetime | None]:
        """The start and end that services take."""
        changed, data = self.changed_data, self.cleaned_data
        start = midnight(data["first"]) if data["first"] and "first" in changed else None
        end = midnight(data["last"]) + timedelta(days=1) if data["last"] and "last" in changed else None
        return {"start": start, "end": end}


class QuotaForm(WindowForm):
    """One quota, new or as it is in `policy`."""

    quota = DurationField(
        label=_("QPU time"), help_text=_("Such as 30 s, 1.5 min, 2 h or 250 ms. 0 s lets no job start.")
    )
    field_order = ["quota", "first", "last"]

    def __init__(self, data: Mapping[str, Any] | None = None, *, policy: TimeQuotaPolicy | None) -> None:
        super().__init__(data, initial=initial_of(policy) if policy else {})

    def as_asked(self) -> dict[str, Any]:
        return {"quota_ns": self.cleaned_data["quota"], **self.window}


def initial_of(policy: TimeQuotaPolicy) -> dict[str, Any]:
    last_moment = policy.ends_at - timedelta(microseconds=1)
    return {
        "quota": policy.quota_ns,
        "first": policy.starts_at.astimezone(UTC).date(),
        "last": last_moment.astimezone(UTC).date(),
    }


class AssignForm(WindowForm):
    """Who of the organization is to have which quota: a list, or everybody of a kind."""

    WHOM = [
        ("list", _("The people in this list")),
        ("without", _("Everybody without a quota")),
        ("everybody", _("Everybody")),
    ]

    whom = forms.ChoiceField(choices=WHOM, initial="list", widget=forms.RadioSelect, label=_("For whom"))
    people = forms.CharField(
        required=False,
        strip=False,
        label=_("Email addresses"),
        help_text=_("One to a line or straight from a spreadsheet; a quota after the address holds for that person."),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    # What the file says comes back as text from the preview, where DATA_UPLOAD_MAX_MEMORY_SIZE holds.
    file = TextFileField(max_bytes=800_000, label=_("Or a CSV file"))
    quota = DurationField(
        required=False, label=_("QPU time for each"), help_text=_("Such as 10 s, 1.5 min, 2 h or 250 ms.")
    )
    field_order = ["whom", "people", "file", "quota", "first", "last"]

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: MultiValueDict[str, UploadedFile] | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial=initial)
        self.fields["last"].help_text = _(
            "UTC. Empty: as the organization's settings say for new quotas; others keep theirs."
        )
        self.fields["first"].help_text = _("UTC. Empty: now for new quotas; others keep theirs.")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        data["people"] = "\n".join(part for part in (data.get("people", "").rstrip(), data.pop("file", "")) if part)
        if data.get("whom") == "list" and not data["people"].strip() and "file" not in self.errors:
            self.add_error("people", _("Type or paste at least one email address."))
        elif data["people"].count("@") > MOST_PEOPLE:
            too_many = _("These are more than %(most)d addresses. Do it in several goes.")
            self.add_error("people", too_many % {"most": MOST_PEOPLE})
        if data.get("whom") != "list" and data.get("quota") is None and "quota" not in self.errors:
            self.add_error("quota", _("Say how much time each gets, such as 10 s."))
        return data


class QuotaFilter(forms.Form):
    """Which members a list of quotas shows; what cannot be understood is left out."""

    KINDS = [
        ("", _("Everybody")),
        ("with", _("With a quota")),
        ("without", _("Without a quota")),
        ("ending", _("Ends within 7 days")),
    ]

    search = forms.CharField(required=False, label=_("Search by name or address"))
    kind = forms.ChoiceField(choices=KINDS, required=False, label=_("Quota"))
