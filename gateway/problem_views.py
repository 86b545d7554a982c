"""Pages of jobs: one's own and, for admins, everybody's on the organization's tokens; and cancelling one."""

from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import normalize_email
from organizations.access import MemberRequest, member_view
from organizations.pages import page_of
from organizations.permissions import Permission
from quotas.daily import day_of
from quotas.models import RefusedJobs, RefusedJobsQuerySet, Usage, UsageQuerySet
from tokens.names import MAX_LENGTH

from .api import find_problem
from .cancel import NotAnswered, Outcome, cancel_problem

REFUSED_FOR, MOST_REFUSALS = timedelta(days=7), 20

TONES = {Outcome.CANCELLED: messages.SUCCESS, Outcome.RUNNING: messages.WARNING, Outcome.ENDED: messages.INFO}


def text_input() -> forms.TextInput:
    return forms.TextInput(attrs={"size": 18, "autocomplete": "off"})


class JobFilter(forms.Form):
    """Which jobs a list shows; what cannot be understood is left out. All of these are cheap in a long ledger."""

    STATES = [("", _("All jobs")), ("open", _("Open jobs"))]

    state = forms.ChoiceField(choices=STATES, required=False, label=_("State"))
    token = forms.CharField(widget=text_input(), required=False, label=_("Token"), max_length=MAX_LENGTH)
    member = forms.CharField(widget=text_input(), required=False, label=_("Member"), max_length=254)

    def narrow(self, jobs: UsageQuerySet) -> UsageQuerySet:
        """Those of the `jobs` that fit."""
        return (jobs.open() if self.asks_for_open else jobs).filter(**self.asked)

    def narrow_refused(self, jobs: RefusedJobsQuerySet, now: datetime) -> RefusedJobsQuerySet:
        """Those of the refused jobs that fit, of the last days; none where only open jobs are asked for."""
        jobs = jobs.since(day_of(now - REFUSED_FOR)).filter(**self.asked)
        return jobs.none() if self.asks_for_open else jobs

    @property
    def asks_for_open(self) -> bool:
        return self.cleaned_data.get("state") == "open"

    @property
    def asked(self) -> dict[str, str]:
        """Column -> what it must hold."""
        data = self.cleaned_data
        asked = {"token_name": data.get("token"), "user_email": normalize_email(data.get("member") or "")}
        return {column: value for column, value in asked.items() if value}


@member_view(Permission.VIEW_OWN_USAGE)
def my_jobs(request: MemberRequest) -> HttpResponse:
    """My jobs, newest first, and which were refused."""
    member = request.membership
    jobs, refused = Usage.objects.of_member(member), RefusedJobs.objects.of_member(member)
    return jobs_page(request, jobs, refused, is_everybodys=False)


@member_view(Permission.VIEW_USAGE)
def everybodys_jobs(request: MemberRequest) -> HttpResponse:
    """Everybody's jobs on the organization's tokens, newest first, and which were refused."""
    member = request.membership
    jobs, refused = Usage.objects.of_organization(member), RefusedJobs.objects.of_organization(member)
    return jobs_page(request, jobs, refused, is_everybodys=True)


def jobs_page(
    request: MemberRequest, jobs: UsageQuerySet, refused: RefusedJobsQuerySet, *, is_everybodys: bool
) -> HttpResponse:
    filters = JobFilter(request.GET)
    if not is_everybodys:
        del filters.fields["member"]
    filters.is_valid()
    page = page_of(request, filters.narrow(jobs).select_related("problem"), ["-id"])
    context = {
        "membership": request.membership,
        "filters": filters,
        "page": page,
        "refused": filters.narrow_refused(refused, timezone.now()).order_by("-last_at")[:MOST_REFUSALS],
        "is_everybodys": is_everybodys,
        "any_open": any(job.status == Usage.Status.RESERVED for job in page.rows),
    }
    return render(request, "gateway/jobs.html", context)


@member_view(Permission.USE_TOKENS)
def cancel_job(request: MemberRequest, problem_id: int) -> HttpResponse:
    """Cancel a problem: one's own or, for admins, anybody's; after saying what that means."""
    member = request.membership
    job = find_problem(member, problem_id, Permission.CANCEL_PROBLEMS)
    if request.method == "POST":
        try:
            outcome = cancel_problem(usage=job, by=member, now=timezone.now())
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except NotAnswered as error:
            messages.error(request, str(error))
        else:
            messages.add_message(request, TONES[outcome], outcome.label)
        return redirect("jobs" if job.user_id == member.user_id else "everybodys-jobs", member.organization.slug)
    return render(request, "gateway/cancel_job.html", {"membership": member, "job": job})
