"""The jobs as workers see them: rows that one of them holds at a time, by a lease that it renews while it lives.

A worker that is killed lets its jobs fall when their leases end, and others take them. So a job may be begun twice; its
line in the ledger is closed once, and once it has a problem at D-Wave it gets no second one.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F

from gateway.models import Problem, TokenRules
from gateway.rules import require_rules
from gateway.services import Door, door_to
from gateway.submit import Estimated
from organizations.models import Membership
from quotas import services as quotas
from quotas.estimates import lower_estimate
from quotas.models import Usage
from tokens.models import QpuToken
from tokens.services import delete_inline_token

from . import turns
from .models import MOST_ATTEMPTS, SolveJob, UploadedModel, size_of
from .services import close, give_back

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
LONGEST = timedelta(days=2)  # D-Wave's queues included
UNATTENDED = timedelta(minutes=5)


class LeaseLost(Exception):
    """The job is no longer this worker's: it was deleted, ended, or taken by another."""


def take(worker: str, now: datetime) -> SolveJob | None:
    """The next job, now held by this worker; None if there is nothing to do."""
    if not (SolveJob.objects.waiting().exists() or SolveJob.objects.fallen(now).exists()):
        return None  # without a lock: idle workers ask often
    with transaction.atomic():
        job = SolveJob.objects.fallen(now).select_for_update(skip_locked=True).first() or turns.next_job()
        if job is None:
            return None
        job.status, job.worker, job.lease_ends_at = SolveJob.Status.IN_PROGRESS, worker, now + LEASE
        job.started_at = job.started_at or now
        job.attempts += 1
        job.save(update_fields=["status", "worker", "lease_ends_at", "started_at", "attempts"])
    return job


@transaction.atomic
def renew(worker: str, ids: Collection[int], now: datetime) -> dict[int, bool]:
    """Hold on to jobs; by id, whether somebody wants them cancelled. Missing ones are this worker's no more."""
    held = SolveJob.objects.held_by(worker).filter(pk__in=ids)
    wishes = list(held.locked().values_list("pk", "cancel_requested_at"))
    held.update(lease_ends_at=now + LEASE)
    return {pk: requested_at is not None for pk, requested_at in wishes}


@transaction.atomic
def let_fall(worker: str, now: datetime) -> None:
    """Leave this worker's jobs to the others at once; that it ends is not the jobs' fault."""
    held = SolveJob.objects.held_by(worker)
    held.lock()
    held.update(lease_ends_at=now - LEASE, attempts=F("attempts") - 1)


def tell(job: SolveJob, stage: str) -> None:
    """Say what is being done."""
    SolveJob.objects.held_by(job.worker).filter(pk=job.pk).update(stage=stage)


def model_of(job: SolveJob) -> bytes | None:
    """The model's bytes; None if it has been deleted."""
    if job.model_id is None:
        return None
    data = UploadedModel.objects.filter(pk=job.model_id).values_list("data", flat=True).first()
    return None if data is None else bytes(data)


@transaction.atomic
def finish(job: SolveJob, status: SolveJob.Status, now: datetime, **outcome: Any) -> bool:
    """End a job that this worker holds. False if it holds it no longer."""
    if not close(job, status, now, only_from=SolveJob.Status.IN_PROGRESS, **outcome):
        return False
    give_back(job, now)
    return True


def remember_facts(job: SolveJob, facts: dict[str, Any]) -> None:
    if job.model_id is not None:
        UploadedModel.objects.filter(pk=job.model_id, facts={}).update(facts=facts)


# --- Jobs at D-Wave ---------------------------------------------------------------------------------------------------


def door_of_job(job: SolveJob) -> Door | None:
    """The way to D-Wave of the job's token; None if that is gone, Refusal if the way is not allowed any more."""
    token = QpuToken.objects.defer(None).filter(solve_jobs=job).first()
    return None if token is None else door_to(token, job.membership)


def problem_of(job: SolveJob) -> Problem | None:
    """The problem that the job has at D-Wave, as it is known now."""
    return Problem.objects.select_related("usage").filter(usage__solve_job=job).first()


def chains_of(job: SolveJob) -> dict[str, list[int]]:
    """The qubits of each variable of the problem that was sent."""
    return SolveJob.objects.values_list("chains", flat=True).get(pk=job.pk) or {}


def is_given_back(problem: Problem) -> bool:
    """Whether what became of its submission is known: nothing."""
    return Usage.objects.filter(pk=problem.pk, status=Usage.Status.RELEASED).exists()


@transaction.atomic
def book_problem(
    job: SolveJob, door: Door, estimated: Estimated, chains: dict[str, list[int]], now: datetime
) -> Problem:
    """Reserve what the problem may cost, now that this is known, and remember the problem before it is sent."""
    held = SolveJob.objects.held_by(job.worker).select_for_update().filter(pk=job.pk).first()
    if held is None:
        raise LeaseLost
    if not Membership.objects.filter(pk=job.membership_id, user__is_active=True, organization__closed_at=None).exists():
        raise PermissionDenied("The account or the organization of this job was closed before it could begin.")
    problem, estimate_ns = estimated.job, estimated.needed_ns
    limit = TokenRules(token=door.token, max_estimate_ns=door.rules.max_estimate_ns)
    require_rules(limit, member=door.member, solver=problem.solver, estimate_ns=estimate_ns)
    usage = reserved_anew(job, door, estimate_ns, now)
    SolveJob.objects.filter(pk=job.pk).update(chains=chains, json_size=F("json_size") + size_of(chains), usage=usage)
    return Problem.objects.create(
        usage=usage,
        endpoint=door.endpoint,
        secret_version=door.token.secret_version,
        type=problem.type,
        solver=problem.identity,
        conversion_rate=estimated.conversion_rate,
        seen_at=now,
    )


def reserved_anew(job: SolveJob, door: Door, estimate_ns: int, now: datetime) -> Usage:
    """The job's line, with this estimate."""
    usage = Usage.objects.get(solve_job=job)
    if estimate_ns <= usage.estimate_ns:
        if not lower_estimate(usage=usage, estimate_ns=estimate_ns):
            raise LeaseLost
        return usage
    # The policies have to let through what is more, and what they have let through before is not to count twice.
    if not quotas.release(usage=usage, now=now):
        raise LeaseLost
    usage.delete()
    try:
        return quotas.reserve(
            token=door.token,
            by=door.member,
            estimate_ns=estimate_ns,
            source=Usage.Source.SOLVE_JOB,
            solver=job.qpu,
            now=now,
        )
    except quotas.QuotaExceeded as error:
        raise PermissionDenied(f"The job does not fit. {error}") from None


# --- What nobody looks after ------------------------------------------------------------------------------------------


def sweep(now: datetime) -> None:
    """End jobs that got stuck, and clear away what deleted ones have left behind."""
    for job in SolveJob.objects.unfinished().filter(created_at__lt=now - LONGEST):
        end_stuck(job, f"The job did not end within {LONGEST.days} days.", now)
    for job in SolveJob.objects.running().filter(attempts__gte=MOST_ATTEMPTS, lease_ends_at__lt=now):
        end_stuck(job, f"{MOST_ATTEMPTS} workers have ended while they ran this job.", now)
    for usage in Usage.objects.open().filter(source=Usage.Source.SOLVE_JOB, solve_job=None, problem=None):
        quotas.release(usage=usage, now=now)
    wipe(QpuToken.objects.filter(is_inline=True, solve_jobs=None, created_at__lt=now - UNATTENDED))


def end_stuck(job: SolveJob, message: str, now: datetime) -> None:
    with transaction.atomic():
        if close(job, SolveJob.Status.FAILED, now, only_from=job.status, error_message=message):
            give_back(job, now)
            log.warning("solve_job_stuck", job_id=job.pk)


def wipe(tokens: Iterable[QpuToken]) -> None:
    for token in tokens:
        delete_inline_token(token_id=token.pk)
