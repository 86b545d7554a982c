"""What the gateway does with the database: who may come in, what is booked, what is known of a problem.

All functions here are synchronous and short, to be called in threads. None holds a transaction or a connection while
D-Wave works.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from rest_framework.exceptions import AuthenticationFailed

from organizations.access import membership_of_key
from organizations.authentication import valid_key
from organizations.models import Membership
from organizations.permissions import Permission
from organizations.prepared import Prepared
from quotas import refusals
from quotas import services as quotas
from quotas.models import Usage
from quotas.policies import MAX_NS
from tokens.endpoints import EndpointNotAllowed, endpoint_of, is_allowed
from tokens.models import Provider, QpuToken, RetiredSecret, TokenScope
from tokens.names import clean_name

from .jobs import HYBRID_TYPES, Job
from .models import Problem, TokenRules, Upload
from .rules import Refused, require_rules, rules_of
from .wire import Refusal, is_plain, not_found

RELEASING = frozenset({"FAILED", "CANCELLED"})  # D-Wave charges nothing for these
TERMINAL = RELEASING | {"COMPLETED"}
STATUSES = TERMINAL | {"PENDING", "IN_PROGRESS"}


@dataclass(frozen=True)
class Door:
    """A member at one of their D-Wave tokens, and what it takes to go on from there."""

    member: Membership
    token: QpuToken
    secret: str
    endpoint: str

    def __repr__(self) -> str:
        return f"Door({self.member}, {self.token})"  # never the secret

    @property
    def rules(self) -> TokenRules:
        return rules_of(self.token)


def enter(raw_key: str, scope: str, name: str, now: datetime) -> Door:
    """Let a program in that may use the token, or refuse."""
    try:
        member = membership_of_key(valid_key(raw_key, now), None, Permission.USE_TOKENS)
        token = find_token(member, scope, name)
    except AuthenticationFailed as error:
        raise Refusal(401, str(error.detail)) from None
    except PermissionDenied as error:
        raise Refusal(403, str(error)) from None
    except (QpuToken.DoesNotExist, ValidationError):
        raise Refusal(404, "There is no such token, or it is not yours to use.") from None
    return door_to(token, member)


def door_to(token: QpuToken, member: Membership) -> Door:
    """The way to D-Wave of a member who may use the token; Refusal where it leads to none."""
    if token.provider != Provider.DWAVE:
        raise Refusal(404, "This token is not for D-Wave.")
    try:
        return Door(member, token, token.secret, endpoint_of(token))
    except EndpointNotAllowed as error:
        raise Refusal(403, str(error)) from None


def require_allowed(endpoint: str) -> None:
    """Refuse to go on with problems at an endpoint that the operator has taken from the list since they were sent."""
    if not is_allowed(endpoint):
        raise Refusal(403, f"The portal's operator does not allow the endpoint {endpoint} any more.")


def find_token(member: Membership, scope: str, name: str) -> QpuToken:
    holder = member.user_id if scope == TokenScope.PERSONAL else member.organization_id
    found = tokens_called[TokenScope(scope)](holder, clean_name(name))
    if not found:
        raise QpuToken.DoesNotExist
    return found[0]


def token_called(scope: TokenScope, holder: int, name: str) -> QuerySet[QpuToken]:
    """A token with its secret and its rules. `holder` is the user or the organization."""
    tokens = QpuToken.objects.of(Membership(user_id=holder, organization_id=holder), scope)
    return tokens.defer(None).select_related("rules").filter(name=name)


tokens_called = {scope: Prepared(partial(token_called, scope)) for scope in TokenScope}


# --- Booking ----------------------------------------------------------------------------------------------------------


def book(door: Door, job: Job, estimate_ns: int, conversion_rate: float, now: datetime) -> Problem | Refusal:
    """Reserve what a job may cost and remember it, before it goes to D-Wave; or say why it does not."""
    problem = Problem(
        endpoint=door.endpoint,
        secret_version=door.token.secret_version,
        type=job.type,
        solver=job.identity,
        conversion_rate=conversion_rate,
        label=job.label,
        seen_at=now,
    )

    def save_problem(usage: Usage) -> None:
        problem.usage = usage
        problem.save(force_insert=True)

    try:
        with limit_of_open_problems(door.rules):
            require_rules(door.rules, member=door.member, solver=job.solver, estimate_ns=estimate_ns)
            quotas.reserve(
                token=door.token,
                by=door.member,
                estimate_ns=estimate_ns,
                source=Usage.Source.GATEWAY,
                solver=job.solver,
                now=now,
                beside=save_problem,
            )
    except Refusal as refusal:
        return refusal
    except quotas.QuotaExceeded as error:
        # The first half are D-Wave's own words for an empty project, which programs look for.
        return Refused(
            403,
            "Problem not accepted because user has insufficient remaining solver access time "
            f"in {door.token.name}: {error}",
            refusals.Why.of(error.decision, job.solver),
        )
    except PermissionDenied as error:
        return Refusal(403, str(error))
    except ValidationError as error:
        return Refusal(400, " ".join(error.messages))
    return problem


@contextmanager
def refusals_counted(door: Door, *, source: str, solver: str, now: datetime) -> Iterator[None]:
    """Let people see later that a job was refused herein, and why. Goes around the transaction that books the job."""
    try:
        yield
    except Refused as refused:
        refusals.count([refused.why], token=door.token, by=door.member, source=source, now=now)
        raise
    except quotas.QuotaExceeded as error:
        why = refusals.Why.of(error.decision, solver)
        refusals.count([why], token=door.token, by=door.member, source=source, now=now)
        raise


def count_refused(door: Door, outcomes: Iterable[object], now: datetime) -> None:
    """Let people see later which of these jobs, sent together, were refused and why."""
    whys = [outcome.why for outcome in outcomes if isinstance(outcome, Refused)]
    refusals.count(whys, token=door.token, by=door.member, source=Usage.Source.GATEWAY, now=now)


def limit_of_open_problems(rules: TokenRules) -> AbstractContextManager[object]:
    """A transaction from the count of what is open to the booking, if there is a limit; most often there is none."""
    return nullcontext() if rules.max_open_problems is None else transaction.atomic()


def time_left_ns(door: Door, now: datetime) -> int | None:
    """What the member's next job may take on this token; None where nothing limits it."""
    try:
        return quotas.can_run(token=door.token, member=door.member, needed_ns=1, now=now).left_now_ns
    except PermissionDenied:
        return 0


def retired_secrets(token: QpuToken, versions: Iterable[int]) -> dict[int, str]:
    """Former secrets of a token by version, those of them that are still kept."""
    retired = RetiredSecret.objects.filter(token=token, version__in=versions)
    return dict(retired.values_list("version", "secret"))


def owns_upload(door: Door, upload_id: str) -> bool:
    mine = Upload.objects.filter(upstream_id=upload_id, token_id=door.token.pk, user_id=door.member.user_id)
    return is_plain(upload_id) and mine.exists()


def release(problems: Iterable[Problem], now: datetime) -> None:
    """Give back what was booked for problems that D-Wave did not take."""
    for problem in problems:
        quotas.release(usage=problem.usage, now=now)


# --- What D-Wave said -------------------------------------------------------------------------------------------------


def accept(problem: Problem, said: dict[str, Any], now: datetime) -> None:
    """Keep under which id D-Wave has taken a problem, and what else it says of it."""
    upstream_id = said["id"]
    if problem.upstream_id != upstream_id:
        row, news = Problem.objects.filter(pk=problem.pk), news_in(said, problem)
        try:
            if row.filter(upstream_id="").update(upstream_id=upstream_id, **news, seen_at=now):
                learn(problem, news)
            else:  # D-Wave told another id at first
                row.update(upstream_id=upstream_id, seen_at=now)
        except IntegrityError:  # an id that another problem has already
            raise Refusal(
                502, "D-Wave's answer made no sense. What became of the problem is being found out."
            ) from None
        problem.upstream_id = upstream_id
    if problem.usage.status == Usage.Status.RELEASED and quotas.reopen(usage=problem.usage):
        problem.usage.status = Usage.Status.RESERVED
    record(problem, said, now)


def record(problem: Problem, said: dict[str, Any], now: datetime) -> None:
    """Keep what D-Wave says of a problem, and settle or release it as soon as that shows how it ended."""
    if news := news_in(said, problem):
        remember(problem, news, now)
    if problem.usage.status == Usage.Status.SETTLED:
        return
    cost = cost_ns(said.get("answer"), problem)
    if cost is not None:
        settle(problem, cost, now)
    elif text(said.get("status")) in RELEASING:
        quotas.release(usage=problem.usage, now=now)


def settle(problem: Problem, cost: int, now: datetime) -> None:
    """Book what a problem has cost, also if it was given back because nobody could see any more that it would run."""
    if not quotas.settle(usage=problem.usage, access_time_ns=cost, now=now) and quotas.reopen(usage=problem.usage):
        quotas.settle(usage=problem.usage, access_time_ns=cost, now=now)


def news_in(said: dict[str, Any], problem: Problem) -> dict[str, str]:
    """What D-Wave says that we did not know, by our fields."""
    status = text(said.get("status"))
    words = {
        "status": status if status in STATUSES else "",
        **{name: text(said.get(name))[:40] for name in ("submitted_on", "solved_on")},
    }
    return {name: value for name, value in words.items() if value and value != getattr(problem, name)}


def is_open(problem: Problem) -> bool:
    return problem.usage.status == Usage.Status.RESERVED


def remember(problem: Problem, news: dict[str, str], now: datetime) -> None:
    """Write down news, but none that is older than the end of the problem: answers overtake each other."""
    rows = Problem.objects.filter(pk=problem.pk)
    if news.get("status") not in TERMINAL:
        rows = rows.exclude(status__in=TERMINAL)
    if rows.update(**news, seen_at=now):
        learn(problem, news)


def learn(problem: Problem, news: dict[str, str]) -> None:
    for name, value in news.items():
        setattr(problem, name, value)


def text(value: Any) -> str:
    return value if isinstance(value, str) and "\0" not in value else ""


def cost_ns(answer: Any, problem: Problem) -> int | None:
    """What D-Wave deducts for an answered problem, in nanoseconds; None where the answer does not tell."""
    microseconds = charged_microseconds(answer, hybrid=problem.type in HYBRID_TYPES)
    if isinstance(microseconds, bool) or not isinstance(microseconds, int | float):
        return None
    # D-Wave tells microseconds with two decimals.
    cost = microseconds * 1000 / problem.conversion_rate
    return round(cost) if 0 <= cost <= MAX_NS else None


def charged_microseconds(answer: Any, *, hybrid: bool) -> Any:
    """QPU: the access time. Hybrid: the charge time, which stands in the timing or in the sample set's info."""
    answer = as_dict(answer)
    if not hybrid:
        return as_dict(answer.get("timing")).get("qpu_access_time")
    info = as_dict(as_dict(answer.get("data")).get("info"))
    return as_dict(answer.get("timing")).get("charge_time", info.get("charge_time"))


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def record_all(problems: dict[str, Problem], said: dict[str, dict[str, Any]], now: datetime) -> None:
    """Keep what D-Wave says of several problems, by their ids."""
    for upstream_id, words in said.items():
        record(problems[upstream_id], words, now)


# --- Looking up -------------------------------------------------------------------------------------------------------


def find_problem(door: Door, upstream_id: str) -> Problem:
    return find_problems(door, [upstream_id])[upstream_id]


def find_problems(door: Door, upstream_ids: Sequence[str]) -> dict[str, Problem]:
    """The member's problems by D-Wave's ids; a single id that is not theirs refuses all, as D-Wave does."""
    found = those_found(door, upstream_ids)
    if not upstream_ids or set(found) != set(upstream_ids):
        raise not_found()
    return found


def those_found(door: Door, upstream_ids: Sequence[str]) -> dict[str, Problem]:
    """Those of the problems that are the member's."""
    asked_for = {upstream_id for upstream_id in upstream_ids if is_plain(upstream_id)}
    found = problems_of(door.member.user_id, door.token.pk, *asked_for) if asked_for else []
    return {problem.upstream_id: problem for problem in found}


@Prepared
def problems_of(user_id: int, token_id: int, *upstream_ids: str) -> QuerySet[Problem]:
    mine = Problem.objects.of(Membership(user_id=user_id), QpuToken(pk=token_id))
    return mine.filter(upstream_id__in=upstream_ids).select_related("usage")


def list_problems(door: Door, *, status: str | None, solver: str | None, label: str | None, most: int) -> list[Problem]:
    """The member's problems that D-Wave has taken, newest first."""
    found = Problem.objects.of(door.member, door.token).exclude(upstream_id="")
    if "\0" in f"{solver}{label}":  # which no database can be asked for
        return []
    if status is not None:
        found = found.filter(status=status)
    if solver is not None:
        found = found.filter(usage__solver=solver)
    if label is not None:
        found = found.filter(label__contains=label)
    return list(found.order_by("-usage_id")[:most])


def keep_upload(door: Door, upload_id: str) -> None:
    Upload.objects.get_or_create(
        upstream_id=upload_id, token_id=door.token.pk, defaults={"user_id": door.member.user_id}
    )
