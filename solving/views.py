"""Pages of solve jobs: one's own with all that they hold and, for admins, what everybody's take, without contents."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from organizations.access import MemberRequest, find, member_view
from organizations.models import Membership
from organizations.pages import page_from, page_of
from organizations.permissions import Permission

from . import services, turns
from .forms import SolveJobFilter
from .models import SolveJob, SolveJobQuerySet
from .snippets import fetch_solution, first_job
from .timeline import steps_of

# --- Lists ------------------------------------------------------------------------------------------------------------


@member_view(Permission.VIEW_OWN_USAGE)
def my_solve_jobs(request: MemberRequest) -> HttpResponse:
    """My solve jobs, newest first."""
    return jobs_page(request, SolveJob.objects.of(request.membership), is_everybodys=False)


@member_view(Permission.VIEW_USAGE)
def everybodys_solve_jobs(request: MemberRequest) -> HttpResponse:
    """Everybody's solve jobs on the organization's tokens and on our machines: what they take, not what they hold."""
    jobs = SolveJob.objects.of_organization(request.membership).select_related("membership__user")
    # What may speak of contents is not even read.
    return jobs_page(request, jobs.defer("name", "error_message", "summary"), is_everybodys=True)


def jobs_page(request: MemberRequest, jobs: SolveJobQuerySet, *, is_everybodys: bool) -> HttpResponse:
    filters = SolveJobFilter(request.GET)
    if not is_everybodys:
        del filters.fields["member"]
    page = page_of(request, filters.narrow(jobs.with_costs()), ["-id"])
    context = {
        "membership": request.membership,
        "filters": filters,
        "page": page,
        "is_everybodys": is_everybodys,
        "any_open": any(not job.is_finished for job in page.rows),
        "first_job": first_job(settings.PORTAL_URL),
    }
    return render(request, "solving/jobs.html", context)


# --- One job ----------------------------------------------------------------------------------------------------------


def find_own(member: Membership, job_id: int) -> SolveJob:
    """One of the member's own jobs, with its model and its line of the ledger."""
    jobs = SolveJob.objects.of(member).select_related("model", "usage").defer("model__data", "chains")
    return find(jobs, job_id, "No such solve job.")


@member_view(Permission.VIEW_OWN_USAGE)
def solve_job(request: MemberRequest, job_id: int) -> HttpResponse:
    """What becomes of one of my jobs, what it has found, and what it costs."""
    job = find_own(request.membership, job_id)
    context = {
        "membership": request.membership,
        "job": job,
        "steps": steps_of(job),
        "jobs_ahead": turns.jobs_ahead(job) if job.status == SolveJob.Status.REQUESTED else None,
        "line_url": line_url(request.membership, job),
        "fetch_solution": fetch_solution(settings.PORTAL_URL, job.pk),
    }
    return render(request, "solving/job.html", context)


def line_url(member: Membership, job: SolveJob) -> str | None:
    """Where the job's line of the ledger is, if it has one: on top of a page of QPU jobs."""
    return page_from(reverse("jobs", args=[member.organization.slug]), job.usage_id) if job.usage_id else None


@member_view(Permission.VIEW_OWN_USAGE)
def solve_job_of_line(request: MemberRequest, problem_id: int) -> HttpResponse:
    """From a line of the ledger to the job that it paid."""
    slug = request.membership.organization.slug
    job = SolveJob.objects.of(request.membership).filter(usage=problem_id).first()
    if job is None:
        messages.info(request, _("This solve job has been deleted. What it cost stays on the ledger."))
        return redirect("solve-jobs", slug)
    return redirect("solve-job", slug, job.pk)


@member_view(Permission.VIEW_OWN_USAGE)
def download_solution(request: MemberRequest, job_id: int) -> HttpResponse:
    """The solution of one of my jobs, as luna_model serializes it."""
    job = services.find_job(request.membership, job_id)
    return download(services.solution_of(job), f"job-{job.pk}.solution")


@member_view(Permission.VIEW_OWN_USAGE)
def download_model(request: MemberRequest, job_id: int) -> HttpResponse:
    """The model that one of my jobs solves, as luna_model serializes it."""
    job = find_own(request.membership, job_id)
    if job.model is None:
        raise Http404("The model of this job has been deleted.")
    return download(services.data_of(job.model), f"job-{job.pk}.model")


def download(data: bytes, name: str) -> HttpResponse:
    """Somebody's bytes: to be saved, and nothing that a browser would show or a cache keep."""
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "",
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(data, content_type="application/octet-stream", headers=headers)


@member_view(Permission.USE_TOKENS)
def cancel_solve_job(request: MemberRequest, job_id: int) -> HttpResponse:
    """Cancel one of my jobs, after saying what that means."""
    job = find_own(request.membership, job_id)
    if request.method != "POST":
        return render(request, "solving/cancel_job.html", {"membership": request.membership, "job": job})
    if job.is_finished:
        messages.info(request, _("The job has ended already."))
    elif services.cancel_job(job=job, now=timezone.now()).is_finished:
        messages.success(request, _("The job is cancelled. It costs nothing."))
    else:
        messages.info(request, _("The job is being cancelled. That takes some seconds."))
    return redirect("solve-job", request.membership.organization.slug, job.pk)


@member_view(Permission.USE_TOKENS)
def delete_solve_job(request: MemberRequest, job_id: int) -> HttpResponse:
    """Delete one of my jobs with its solution and, if wished, its model."""
    member, job = request.membership, find_own(request.membership, job_id)
    if request.method != "POST":
        return render(request, "solving/delete_job.html", {"membership": member, "job": job})
    model = job.model if "model" in request.POST else None
    try:
        services.delete_job(job=job, now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("solve-job", member.organization.slug, job.pk)
    if model is not None:
        services.delete_model(model=model, by=member)
    messages.success(request, _("The job is deleted."))
    return redirect("solve-jobs", member.organization.slug)
