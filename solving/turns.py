"""Whose job is next: organizations take turns, and so do the members of each, however many jobs they have waiting.

The organization is next whose last job began longest ago. Among its members the turns are dealt out when jobs come: a
job's turn is one after that of the member's job before it, and none is earlier than those that are on now.
"""

from django.conf import settings
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery

from organizations.models import Organization
from organizations.services import keep_member

from .errors import TooMany
from .models import SolveJob


def line_up(job: SolveJob) -> None:
    """Give a job its turn, or refuse it. Belongs in the transaction that saves the job, before policies are locked."""
    # A member's jobs come one after the other from here on, so that none is counted too late.
    keep_member(job.membership)
    mine = SolveJob.objects.of(job.membership).waiting().aggregate(count=Count("pk"), last=Max("turn"))
    if mine["count"] >= settings.SOLVING_MAX_WAITING:
        raise TooMany(
            f"{mine['count']} of your jobs wait for a worker, and at most {settings.SOLVING_MAX_WAITING} may. "
            "Try again when one has begun."
        )
    on_now = SolveJob.objects.filter(organization=job.organization_id).in_turn().values_list("turn", flat=True).first()
    job.turn = max(on_now or 1, (mine["last"] or 0) + 1)


def next_job() -> SolveJob | None:
    """The job whose turn it is, locked; None if none waits, or other workers are about to take all that do."""
    for organization in organizations_in_turn():
        # PostgreSQL lets workers pass each other here; SQLite has them come one after the other.
        jobs = SolveJob.objects.filter(organization=organization).in_turn().select_for_update(skip_locked=True)
        if job := jobs.first():
            return job
    return None


def jobs_ahead(job: SolveJob) -> int:
    """How many jobs are taken before this one that waits, if no more come."""
    before = Q(turn__lt=job.turn) | Q(turn=job.turn, pk__lt=job.pk)
    own = SolveJob.objects.waiting().filter(before, organization=job.organization_id).count()
    counts = dict(SolveJob.objects.waiting().values_list("organization").annotate(Count("pk")))
    ahead, turns = own, own + 1  # of each organization before ours in this round, and one less of those after it
    for organization_id in organizations_in_turn().values_list("pk", flat=True):
        if organization_id == job.organization_id:
            turns -= 1
        else:
            ahead += min(counts.get(organization_id, 0), turns)
    return ahead


def organizations_in_turn() -> QuerySet[Organization]:
    """Those with jobs that wait, next first. While an organization is closed, its jobs go on waiting."""
    jobs = SolveJob.objects.filter(organization=OuterRef("pk"))
    last = jobs.filter(started_at__isnull=False).order_by("-started_at").values("started_at")[:1]
    waiting = Organization.objects.filter(Exists(jobs.waiting()), closed_at=None).annotate(last_began_at=Subquery(last))
    return waiting.order_by(F("last_began_at").asc(nulls_first=True), "pk")
