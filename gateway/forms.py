"""What people type on the page of a token's rules. The names of fields are those that gateway.rules complains about."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from quotas.forms import DurationField

from .models import TokenRules
from .rules import MAX_OPEN_PROBLEMS


class RulesForm(forms.Form):
    """What jobs on a token may be, and are by `rules`. What is left empty is not limited."""

    solvers = forms.CharField(
        required=False,
        label=_("Solvers"),
        help_text=_("Names of the only solvers that may be used, one to a line. Empty: all that the token opens."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
    )
    max_estimate_ns = DurationField(
        min_value=1,
        required=False,
        label=_("One job may take at most"),
        help_text=_("QPU time that a job may reserve, such as 500 ms. Empty: as much as its quotas leave."),
    )
    max_open_problems = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_OPEN_PROBLEMS,
        label=_("Open problems of one member"),
        help_text=_("How many may be open at once. Empty: any number."),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, rules: TokenRules) -> None:
        initial = {name: getattr(rules, name) for name in ("max_estimate_ns", "max_open_problems")}
        super().__init__(data, initial=initial | {"solvers": "\n".join(rules.solvers)})

    def clean_solvers(self) -> list[str]:
        return [name for name in re.split(r"[\s,;]+", self.cleaned_data["solvers"]) if name]
