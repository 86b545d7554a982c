"""What lists of solve jobs can be narrowed to."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import normalize_email

from .models import SolveJob, SolveJobQuerySet
from .solvers import SOLVERS


class SolveJobFilter(forms.Form):
    """Which jobs a list shows; what cannot be understood is left out."""

    STATES = [
        ("", _("All jobs")),
        ("open", _("Open jobs")),
        (SolveJob.Status.DONE, _("done")),
        (SolveJob.Status.FAILED, _("failed")),
        (SolveJob.Status.CANCELED, _("cancelled")),
    ]
    ALL_SOLVERS = [("", _("All solvers"))]

    state = forms.ChoiceField(choices=STATES, required=False, label=_("State"))
    solver = forms.ChoiceField(
        choices=[
            *ALL_SOLVERS,
            *((solver.name, solver.title) for solvers in SOLVERS.values() for solver in solvers.values()),
        ],
        required=False,
        label=_("Solver"),
    )
    member = forms.CharField(
        widget=forms.TextInput(attrs={"size": 18, "autocomplete": "off"}),
        required=False,
        label=_("Member"),
        max_length=254,
    )

    def narrow(self, jobs: SolveJobQuerySet) -> SolveJobQuerySet:
        """Those of the `jobs` that fit."""
        self.is_valid()
        if state := self.cleaned_data.get("state"):
            jobs = jobs.unfinished() if state == "open" else jobs.filter(status=state)
        if solver := self.cleaned_data.get("solver"):
            jobs = jobs.filter(solver=solver)
        if member := self.cleaned_data.get("member"):
            jobs = jobs.filter(membership__user__email=normalize_email(member))
        return jobs
