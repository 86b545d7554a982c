"""How templates show solve jobs."""

from reprlib import Repr
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from quotas.units import localized

from ..failures import in_words
from ..models import SolveJob
from ..solvers import SOLVERS
from ..timeline import between

register = template.Library()

# What workers say of their jobs, in words that the machinery of translation finds here.
STAGES = {
    gettext_noop("Solving."),
    gettext_noop("Translating the model."),
    gettext_noop("Embedding."),
    gettext_noop("Sending the model to D-Wave."),
    gettext_noop("Waiting for D-Wave."),
    gettext_noop("Translating the answer."),
    gettext_noop("Cancelling at D-Wave."),
}

short = Repr()
short.maxlist = short.maxdict = 4
short.maxstring = short.maxother = 100


@register.filter
def solver_title(job: SolveJob) -> str:
    """The name of the job's solver as people say it."""
    solver = SOLVERS.get(job.provider, {}).get(job.solver)
    return solver.title if solver else job.solver


@register.filter
def stage_in_words(job: SolveJob) -> str:
    """What is being done with a running job, in the reader's language."""
    return _(job.stage) if job.stage in STAGES else job.stage


@register.filter
def failure_in_words(job: SolveJob) -> str:
    """Why a job has failed, in the reader's language as far as the words are the portal's own."""
    return in_words(job.error_message)


@register.filter
def value(number: float) -> SafeString:
    """A value of the objective, its exact value on hover."""
    return format_html(
        '<data value="{}" title="{}">{}</data>', number, localized(str(number)), localized(f"{number:,.6g}")
    )


@register.filter
def parameter(given: object) -> str:
    """A parameter as Python writes it; of a long one the beginning."""
    return short.repr(given)


@register.filter
def ran_ns(job: SolveJob) -> int | None:
    """From when a worker began a job until it ended; None for one that has not done both."""
    return between(job.started_at, job.ended_at)


@register.inclusion_tag("_meter.html")
def feasible_share(found: dict[str, Any]) -> dict[str, object]:
    """How many of the samples are feasible, as a meter."""
    feasible, samples = found["feasible"], found["samples"]
    label = _("%(feasible)s of %(samples)s samples are feasible") % {"feasible": feasible, "samples": samples}
    return {"used": 100 * feasible / samples if samples else 0, "open": 0, "label": label}
