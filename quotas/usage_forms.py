"""Which usage a page shows, as its address says."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import normalize_email
from tokens.names import MAX_LENGTH

from .models import UsageQuerySet
from .periods import Span
from .reports import By

PRESETS = {
    7: _("7 days"),
    30: pgettext_lazy("the last", "30 days"),
    90: pgettext_lazy("the last", "90 days"),
    365: _("12 months"),
}
DEFAULT_DAYS = 30


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def text_input() -> forms.TextInput:
    return forms.TextInput(attrs={"size": 12, "autocomplete": "off"})


class UsageFilter(forms.Form):
    """A span of days, and what is asked of the jobs in it; what cannot be understood is left out. Days are UTC's."""

    since = forms.DateField(required=False, label=_("From"), widget=day_input())
    until = forms.DateField(required=False, label=_("To"), widget=day_input())
    member = forms.CharField(widget=text_input(), required=False, label=_("Member"), max_length=254)
    token = forms.CharField(widget=text_input(), required=False, label=_("Token"), max_length=MAX_LENGTH)
    solver = forms.CharField(widget=text_input(), required=False, label=_("Solver"), max_length=100)
    days = forms.TypedChoiceField(
        choices=list(PRESETS.items()), coerce=int, empty_value=None, required=False, widget=forms.HiddenInput()
    )
    by = forms.ChoiceField(choices=By.choices, required=False, widget=forms.HiddenInput())

    def __init__(self, data: Mapping[str, str], *, choices: list[By], today: date) -> None:
        super().__init__(data)
        if By.MEMBER not in choices:
            del self.fields["member"]
        self.choices, self.today = choices, today
        self.is_valid()

    @property
    def breakdown(self) -> By:
        by = self.cleaned_data.get("by")
        return By(by) if by in self.choices else self.choices[0]

    @property
    def preset(self) -> int | None:
        """The days of the preset that is chosen; None if somebody has named days."""
        if self.cleaned_data.get("since") or self.cleaned_data.get("until"):
            return None
        return self.cleaned_data.get("days") or DEFAULT_DAYS

    @property
    def span(self) -> Span:
        data = self.cleaned_data
        days = data.get("days") or DEFAULT_DAYS
        return Span.asked_for(data.get("since"), data.get("until"), days=days, today=self.today)

    @property
    def asked(self) -> dict[str, str]:
        """Column of the ledger -> what it must hold."""
        data = self.cleaned_data
        asked = {
            "user_email": normalize_email(data.get("member") or ""),
            "token_name": unicodedata.normalize("NFC", data.get("token") or ""),
            "solver": data.get("solver") or "",
        }
        return {column: value for column, value in asked.items() if value}

    def narrow_ledger(self, ledger: UsageQuerySet) -> UsageQuerySet:
        """Those lines of the ledger that fit, booked in the span."""
        begin, end = midnight(self.span.first), midnight(self.span.last) + timedelta(days=1)
        return ledger.filter(**self.asked, created_at__gte=begin, created_at__lt=end)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
