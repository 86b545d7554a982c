"""Follows every open problem upstream, so that the ledger becomes true whatever happens to clients and processes.

It settles what nobody fetched, adopts problems whose answer to the submission was lost (found again by the marker in
their label), and gives back what never arrived; should it run after all, that is booked too. Several reconcilers may
run at once: every booking happens once.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import chain
from typing import Any

import structlog
from django.db.models import Exists, OuterRef
from django.utils import timezone

from monitoring.models import Heartbeat, beat
from quotas import refusals
from quotas import services as quotas
from tokens.models import QpuToken, RetiredSecret

from . import services
from .calls import Gateway
from .marker import markers_of, usage_id_in
from .models import Problem
from .upstream import Lost, Upstream
from .wire import VENDOR, Refusal, in_parts, is_plain, unavailable

log = structlog.get_logger(__name__)

QUIET = timedelta(seconds=10)  # clients that wait for a problem see it within that time themselves
# After that a submission without a trace upstream was never taken: no request to D-Wave is under way for so long.
LOST_AFTER = timedelta(minutes=3)
# D-Wave, or a process of ours that stood still, may act on it even later; so it is looked for, ever more seldom.
LATEST = timedelta(days=1)
GONE_AFTER = timedelta(days=7)  # a problem that D-Wave has taken but does not know, or tell the cost of
MOST_AT_ONCE = 5000


@dataclass(frozen=True)
class Work:
    """Problems of one token that nobody has heard of for a while."""

    upstream: Upstream
    problems: Sequence[Problem]
    had_turn: list[Problem] = field(default_factory=list)

    @property
    def known(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.upstream_id and services.is_open(problem)]

    @property
    def lost(self) -> list[Problem]:
        return [problem for problem in self.problems if not (problem.upstream_id and services.is_open(problem))]


@dataclass(frozen=True, repr=False)
class Secrets:
    """A token's secret, and the former ones that are kept for their jobs, by version."""

    present: str
    former: dict[int, str]

    def of(self, version: int) -> tuple[str, str | None]:
        """The secret that a job went out with, and the one that has followed it; the present one if it is wiped."""
        return (self.former[version], self.present) if version in self.former else (self.present, None)


async def reconcile(gateway: Gateway) -> int:
    """Look once at all open problems, and for those that got lost. Returns how many were looked at."""
    problems = await gateway.in_database(problems_to_look_at, timezone.now())
    secrets = await gateway.in_database(secrets_of, {problem.usage.token_id for problem in problems})
    had_turn = await asyncio.gather(
        *(
            look_after(gateway, endpoint, secrets.get(token_id), version, group)
            for (token_id, endpoint, version), group in grouped(problems).items()
        )
    )
    await gateway.in_database(touch, list(chain.from_iterable(had_turn)))
    await gateway.in_database(wipe_retired_secrets, timezone.now())
    await gateway.in_database(refusals.forget_old, timezone.now())
    await gateway.in_database(beat, Heartbeat.Process.RECONCILER, timezone.now())
    return len(problems)


async def look_after(
    gateway: Gateway, endpoint: str, secrets: Secrets | None, version: int, problems: list[Problem]
) -> list[Problem]:
    """Look at the open problems of one token. Trouble with it does not concern the others.

    Returns those that had their turn before trouble came, if any: next time the others come first, so that one problem
    with which there is always trouble keeps no other one open.
    """
    if secrets is None:
        await gateway.in_database(write_off, problems)
        return problems
    work = Work(Upstream(gateway.session, endpoint, *secrets.of(version)), problems)
    try:
        services.require_allowed(endpoint)
        unknown = await follow(gateway, work)
        await find_lost(gateway, work, [*work.lost, *unknown])
    except (Refusal, Lost) as error:
        log.warning("upstream_unavailable", endpoint=endpoint, open_problems=len(problems), reason=str(error))
    except Exception:
        log.exception("reconciliation_failed", endpoint=endpoint, open_problems=len(problems))
    return work.had_turn or problems


def problems_to_look_at(now: datetime) -> list[Problem]:
    """The open ones that nobody has heard of for a while, and the ones given back that may run after all."""
    problems = Problem.objects.select_related("usage")
    quiet = problems.unsettled().filter(seen_at__lt=now - QUIET).order_by("seen_at")
    late = problems.filter(look_again_at__lte=now).order_by("look_again_at")
    return [*quiet[:MOST_AT_ONCE], *late[:MOST_AT_ONCE]]


def secrets_of(token_ids: Iterable[int]) -> dict[int, Secrets]:
    tokens = QpuToken.objects.filter(pk__in=token_ids).defer(None).prefetch_related("retired_secrets")
    return {
        token.pk: Secrets(token.secret, {retired.version: retired.secret for retired in token.retired_secrets.all()})
        for token in tokens
    }


def grouped(problems: Sequence[Problem]) -> dict[tuple[int, str, int], list[Problem]]:
    groups: dict[tuple[int, str, int], list[Problem]] = {}
    for problem in problems:
        way = problem.usage.token_id, problem.endpoint, problem.secret_version
        groups.setdefault(way, []).append(problem)
    return groups


def wipe_retired_secrets(now: datetime) -> None:
    """Forget the former secrets whose jobs have all ended."""
    still_needed = Problem.objects.unsettled().filter(
        usage__token_id=OuterRef("token_id"), secret_version=OuterRef("version")
    )
    RetiredSecret.objects.filter(~Exists(still_needed), retired_at__lt=now - LOST_AFTER).delete()


def touch(problems: Sequence[Problem]) -> None:
    """Let the others have their turn first next time."""
    now, looked_at = timezone.now(), Problem.objects.filter(pk__in=[problem.pk for problem in problems])
    looked_at.unsettled().update(seen_at=now)
    looked_at.filter(look_again_at__lte=now).update(look_again_at=now + LOST_AFTER)  # there was trouble with these


def write_off(problems: Sequence[Problem]) -> None:
    """Nobody can ask D-Wave any more, for the token or the problem is gone: what was reserved counts as spent."""
    for problem in problems:
        look_again(problem, None)
        if quotas.settle(usage=problem.usage, access_time_ns=problem.usage.estimate_ns, now=timezone.now()):
            log.warning("problem_written_off", usage_id=problem.pk)


def look_again(problem: Problem, at: datetime | None) -> None:
    Problem.objects.filter(pk=problem.pk).update(look_again_at=at)


# --- Problems that D-Wave has taken -----------------------------------------------------------------------------------


async def follow(gateway: Gateway, work: Work) -> list[Problem]:
    """Book what D-Wave says of the problems that it has taken. Returns those that it does not know."""
    unknown = []
    for group in in_parts(work.known):
        said = await statuses(work.upstream, [problem.upstream_id for problem in group])
        for problem in group:
            work.had_turn.append(problem)
            words = said.get(problem.upstream_id, {})
            if words is None:
                unknown.append(problem)
            else:
                await book(gateway, work.upstream, problem, words)
    return unknown


async def book(gateway: Gateway, upstream: Upstream, problem: Problem, words: dict[str, Any]) -> None:
    if words.get("status") == "COMPLETED":
        words = {**words, **await answer_of(upstream, problem.upstream_id)}
    await gateway.in_database(record, problem, words, timezone.now())


def record(problem: Problem, words: dict[str, Any], now: datetime) -> None:
    services.record(problem, words, now)
    if words.get("status") == "COMPLETED" and now - problem.booked_at > GONE_AFTER:
        write_off([problem])  # unless D-Wave has said what it cost, now or before


async def statuses(upstream: Upstream, ids: list[str]) -> dict[str, dict[str, Any] | None]:
    """What D-Wave says of problems, by id; None for those that it does not know, one of which refuses all."""
    said = await ask(upstream, "problems/", "problems", {"id": ",".join(ids), "timeout": "1"})
    if isinstance(said, list):
        return {words["id"]: words for words in said if isinstance(words, dict) and words.get("id") in ids}
    if len(ids) == 1:
        return {ids[0]: None}
    half = len(ids) // 2
    return {**await statuses(upstream, ids[:half]), **await statuses(upstream, ids[half:])}


async def answer_of(upstream: Upstream, upstream_id: str) -> dict[str, Any]:
    said = await ask(upstream, f"problems/{upstream_id}/answer", "problem-answer")
    return {"answer": said.get("answer")} if isinstance(said, dict) else {}


async def ask(upstream: Upstream, path: str, kind: str, params: dict[str, str] | None = None) -> Any:
    """What D-Wave answers; None if it says that there is no such thing. Refusal or Lost if it does not tell."""
    reply = await upstream.read(path, params=params, headers={"Accept": f"{VENDOR}{kind}+json; version=3.0.0"})
    if reply.status == HTTPStatus.NOT_FOUND:
        return None
    if not reply.ok:
        raise unavailable()
    return reply.json()


# --- Submissions whose answer was lost --------------------------------------------------------------------------------


async def find_lost(gateway: Gateway, work: Work, problems: list[Problem]) -> None:
    for problem in problems:
        work.had_turn.append(problem)
        found = await marked_as(work.upstream, problem)
        if found:
            await gateway.in_database(services.accept, problem, found, timezone.now())
            await gateway.in_database(look_again, problem, None)
            await book(gateway, work.upstream, problem, found)
            log.info("problem_adopted", usage_id=problem.pk)
        else:
            await gateway.in_database(give_up, problem, timezone.now())


async def marked_as(upstream: Upstream, problem: Problem) -> dict[str, Any] | None:
    """What D-Wave says of the problem with this one's marker, if there is one."""
    for marker in markers_of(problem.pk):
        said = await ask(upstream, "problems/", "problems", {"label": marker, "max_results": "10"})
        if not isinstance(said, list):
            raise unavailable()
        for words in said:
            if is_of(problem, words):
                return dict(words)
    return None


def give_up(problem: Problem, now: datetime) -> None:
    """Close the line of a problem without a trace upstream, when the time has come."""
    age = now - problem.booked_at
    if not services.is_open(problem):
        look_again(problem, now + age if age < LATEST else None)
    elif problem.upstream_id and age > GONE_AFTER:
        write_off([problem])
    elif not problem.upstream_id and age > LOST_AFTER:
        look_again(problem, now + LOST_AFTER)
        services.release([problem], now)
        log.info("problem_never_arrived", usage_id=problem.pk)


def is_of(problem: Problem, words: Any) -> bool:
    return (
        isinstance(words, dict) and is_plain(words.get("id")) and usage_id_in(str(words.get("label", ""))) == problem.pk
    )


# --- For ever ---------------------------------------------------------------------------------------------------------


async def run(pause_seconds: float) -> None:
    """Reconcile again and again, until cancelled; an error costs one round, not the reconciler."""
    gateway = Gateway()
    async with gateway.running():
        while True:
            try:
                await reconcile(gateway)
            except Exception:
                log.exception("reconciliation_failed")
            await asyncio.sleep(pause_seconds)
