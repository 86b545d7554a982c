"""What members do with models and solve jobs. Everything starts from the caller's membership."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Sum
from django.http import Http404

from gateway.models import TokenRules
from gateway.rules import require_rules
from gateway.services import door_to, refusals_counted
from gateway.wire import Refusal
from organizations.errors import Conflict
from organizations.models import Membership
from organizations.services import keep_member
from quotas import services as quotas
from quotas.models import Usage
from tokens.access import find_token
from tokens.models import Provider, QpuToken, TokenScope
from tokens.names import clean_name
from tokens.services import delete_inline_token, make_token, upload_inline_token

from . import qpus
from .errors import TooLarge, Unavailable
from .models import MAX_NAME, SolveJob, UploadedModel, size_of
from .solvers import Solver
from .turns import line_up

MB = 1024 * 1024

# --- Models -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def upload_model(*, data: bytes, by: Membership, now: datetime) -> UploadedModel:
    """Keep a model; the same bytes once more are the same model, for the SDK repeats uploads whose answer got lost."""
    if len(data) > max_model_bytes():
        raise too_large()
    if not data:
        raise ValidationError("There is no model in the request.", code="empty")
    sha256 = hashlib.sha256(data).hexdigest()
    keep_member(by)  # a member's uploads come one after the other from here on, so that none is counted too late
    model = UploadedModel.objects.filter(membership=by, sha256=sha256).first()
    if model is not None and use(model, now):
        return model
    require_storage(by, len(data))
    return UploadedModel.objects.create(
        membership=by, sha256=sha256, data=data, size=len(data), created_at=now, used_at=now
    )


def use(model: UploadedModel, now: datetime) -> bool:
    """Have the model kept from now on, and until the transaction ends for sure; False if it is gone."""
    return bool(UploadedModel.objects.filter(pk=model.pk).update(used_at=now))


def require_storage(member: Membership, more_bytes: int) -> None:
    """Refuse what does not fit beside the member's models and jobs. What jobs still come to find may go beyond."""
    most = settings.SOLVING_STORAGE_MB * MB
    models = member.models.aggregate(bytes=Sum("size"))["bytes"] or 0
    jobs = member.solve_jobs.aggregate(bytes=Sum(F("result_size") + F("json_size")))["bytes"] or 0
    if models + jobs + more_bytes > most:
        raise TooLarge(
            f"Your models take {models / MB:.1f} MB and your jobs {jobs / MB:.1f} MB of the "
            f"{settings.SOLVING_STORAGE_MB} MB that you have here. Delete what you do not need any more, with "
            "luna.model.delete(...) and luna.solve_job.delete(...)."
        )


def max_model_bytes() -> int:
    return settings.SOLVING_MODEL_MB * MB


def too_large() -> TooLarge:
    return TooLarge(f"A model has at most {settings.SOLVING_MODEL_MB} MB.")


def find_model(member: Membership, model_id: int) -> UploadedModel:
    model = UploadedModel.objects.filter(membership=member, pk=model_id).first()
    if model is None:
        raise Http404("No such model.")
    return model


@transaction.atomic
def delete_model(*, model: UploadedModel, by: Membership) -> None:
    """Forget a model. Jobs that wait for a worker fail without it."""
    keep_member(by)  # no job on it is halfway submitted then
    SolveJob.objects.filter(model=model).lock()
    model.delete()


def data_of(model: UploadedModel) -> bytes:
    return bytes(
        UploadedModel.objects.filter(membership=model.membership_id, pk=model.pk).values_list("data", flat=True).get()
    )


# --- Tokens of jobs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class TokenWish:
    """On which token a job is to run: one that the portal keeps, by scope and name, or a secret that comes along."""

    scope: TokenScope | None = None
    name: str = ""
    secret: str = ""

    def find(self, member: Membership) -> QpuToken:
        """The token, with its secret. One that came along is not saved yet."""
        if self.scope is None:
            return make_token(provider=Provider.DWAVE, secret=self.secret, owner=member.user, is_inline=True)
        token = find_token(member, self.scope, clean_name(self.name))
        if token.provider != Provider.DWAVE:
            raise ValidationError("This token is not for D-Wave.", code="provider")
        return token

    def keep(self, token: QpuToken, member: Membership) -> QpuToken:
        """The token as a row that the job can hold on to."""
        if self.scope is None:
            return upload_inline_token(provider=Provider.DWAVE, secret=self.secret, by=member)
        return token


# --- Jobs -------------------------------------------------------------------------------------------------------------


def submit_job(
    *,
    model: UploadedModel,
    solver: Solver,
    parameters: dict[str, Any],
    token: TokenWish | None,
    name: str = "",
    with_timing: bool = True,
    by: Membership,
    now: datetime,
) -> SolveJob:
    """Queue a job for the workers; one at D-Wave reserves what it may cost.

    Takes as long as D-Wave takes to tell what its QPUs are like, where that is not known yet.
    """
    checked = solver.check(parameters)
    job = SolveJob(
        membership=by,
        organization_id=by.organization_id,
        model=model,
        name=name[:MAX_NAME],
        provider=solver.provider,
        solver=solver.name,
        parameters=checked,
        json_size=size_of(checked),
        with_timing=with_timing,
        created_at=now,
    )
    if not solver.needs_token:
        with transaction.atomic():
            take_place(job)
            job.save()
        return job
    if token is None:
        raise ValidationError("This solver runs at D-Wave: pass a token, as in DWaveQpu(token=...).", code="token")
    try:
        return reserve_and_save(job, solver.problem_type, token, by, now)
    except quotas.QuotaExceeded as error:
        raise PermissionDenied(f"The job does not fit. {error}") from None
    except Refusal as refusal:
        raise as_api_error(refusal) from None


def reserve_and_save(job: SolveJob, problem_type: str, wish: TokenWish, by: Membership, now: datetime) -> SolveJob:
    token = wish.find(by)
    door = door_to(token, by)
    qpu = qpus.choose(door, job.parameters["qpu_backend"], problem_type)
    estimate = qpus.most_it_can_cost(qpu, problem_type, job.parameters)
    source = Usage.Source.SOLVE_JOB
    with refusals_counted(door, source=source, solver=qpu.name, now=now), transaction.atomic():
        take_place(job)
        job.token = wish.keep(token, by)
        # Its max_estimate_ns holds for the exact estimate, once there is one.
        rules = TokenRules(token=token, solvers=door.rules.solvers, max_open_problems=door.rules.max_open_problems)
        require_rules(rules, member=by, solver=qpu.name, estimate_ns=estimate)
        job.usage = quotas.reserve(
            token=job.token, by=by, estimate_ns=estimate, source=source, solver=qpu.name, now=now
        )
        job.qpu = qpu.name
        job.save()
    return job


def take_place(job: SolveJob) -> None:
    """Give a job its turn and its room, and have its model stay. Belongs in the transaction that saves the job."""
    line_up(job)
    require_storage(job.membership, job.json_size)
    if job.model is None or not use(job.model, job.created_at):
        raise Http404("No such model.")


def as_api_error(refusal: Refusal) -> Exception:
    if refusal.status == 403:
        return PermissionDenied(refusal.message)
    if refusal.status == 404:
        return ValidationError("This token cannot use that solver.", code="qpu_backend")
    if refusal.status == 502:
        return PermissionDenied(refusal.message)
    if refusal.status == 503:
        return Unavailable(refusal.message)
    return ValidationError(refusal.message, code="job")


def find_job(member: Membership, job_id: int) -> SolveJob:
    job = SolveJob.objects.of(member).filter(pk=job_id).first()
    if job is None:
        raise Http404("No such solve job.")
    return job


def cancel_job(*, job: SolveJob, now: datetime) -> SolveJob:
    """End a job that waits; ask the worker of a running one to end it. A finished one stays as it is."""
    with transaction.atomic():
        if close(job, SolveJob.Status.CANCELED, now, only_from=SolveJob.Status.REQUESTED):
            give_back(job, now)
        else:
            rows = SolveJob.objects.unfinished().filter(pk=job.pk, cancel_requested_at=None)
            rows.update(cancel_requested_at=now)
    job.refresh_from_db()
    return job


def delete_job(*, job: SolveJob, now: datetime) -> None:
    """Forget a job with its result; what it cost stays on the ledger."""
    cancel_job(job=job, now=now)
    if not job.is_finished:
        raise Conflict("The job is being cancelled. Delete it when it has ended.", code="running")
    job.delete()


def solution_of(job: SolveJob) -> bytes:
    """The solution as luna_model serializes it; a 404 as long as there is none."""
    result = SolveJob.objects.filter(membership=job.membership_id, pk=job.pk).values_list("result", flat=True).first()
    if result is None:
        raise Http404("This job has no solution.")
    return bytes(result)


# --- The ends of jobs -------------------------------------------------------------------------------------------------


def close(job: SolveJob, status: SolveJob.Status, now: datetime, *, only_from: str, **outcome: Any) -> bool:
    """Bring a job to its end; only one of all who try at the same time succeeds."""
    rows = SolveJob.objects.filter(pk=job.pk, status=only_from, worker=job.worker)
    return bool(rows.update(status=status, ended_at=now, stage="", worker="", lease_ends_at=None, **outcome))


def give_back(job: SolveJob, now: datetime) -> None:
    """Wipe the secret that came with a job, and release what was reserved, unless a problem has gone to D-Wave.

    That one's line in the ledger is the gateway's to close.
    """
    usage = Usage.objects.filter(solve_job=job, problem=None).first()
    if usage is not None:
        quotas.release(usage=usage, now=now)
    if job.token_id is not None:
        delete_inline_token(token_id=job.token_id)
