"""Follows every open problem upstream, so that the ledger becomes true whatever happens to clients and processes.

It settles what nobody fetched, adopts problems whose answer to the submission was lost (found again by the marker in
their label), and gives back what never arrived. Several reconcilers may run at once: every booking happens once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.utils import timezone

from quotas import services as quotas
from tokens.models import QpuToken

from . import services
from .calls import Gateway
from .marker import marker_of, usage_id_in
from .models import Problem
from .upstream import Lost, Upstream
from .wire import VENDOR, Refusal

log = structlog.get_logger(__name__)

QUIET = timedelta(seconds=10)  # clients that wait for a problem see it within that time themselves
# After that a submission without a trace upstream was never taken: no request to D-Wave is under way for so long.
LOST_AFTER = timedelta(minutes=3)
GROUP = 100  # ids in one question
MOST_AT_ONCE = 5000


@dataclass(frozen=True)
class Work:
    """Open problems of one token that nobody has heard of for a while."""

    upstream: Upstream
    problems: Sequence[Problem]

    @property
    def known(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.upstream_id]

    @property
    def lost(self) -> list[Problem]:
        return [problem for problem in self.problems if not problem.upstream_id]


async def reconcile(gateway: Gateway) -> int:
    """Look at all open problems once. Returns how many were looked at."""
    problems = await gateway.in_database(quiet_problems)
    tokens = await gateway.in_database(secrets_of, {problem.usage.token_id for problem in problems})
    for (token_id, endpoint), group in grouped(problems).items():
        if token_id not in tokens:
            await gateway.in_database(write_off, group)
            continue
        work = Work(Upstream(gateway.session, endpoint, tokens[token_id]), group)
        try:
            await follow(gateway, work)
            await find_lost(gateway, work)
        except (Refusal, Lost):
            log.warning("upstream_unavailable", endpoint=endpoint, token_id=token_id, open_problems=len(group))
    await gateway.in_database(touch, problems)
    return len(problems)


def quiet_problems() -> list[Problem]:
    quiet = Problem.objects.unsettled().filter(seen_at__lt=timezone.now() - QUIET)
    return list(quiet.select_related("usage").order_by("seen_at")[:MOST_AT_ONCE])


def secrets_of(token_ids: set[int]) -> dict[int, str]:
    return {token.pk: token.secret for token in QpuToken.objects.filter(pk__in=token_ids).defer(None)}


def grouped(problems: Sequence[Problem]) -> dict[tuple[int, str], list[Problem]]:
    groups: dict[tuple[int, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.usage.token_id, problem.endpoint), []).append(problem)
    return groups


def touch(problems: Sequence[Problem]) -> None:
    """Let the others have their turn first next time."""
    Problem.objects.unsettled().filter(pk__in=[problem.pk for problem in problems]).update(seen_at=timezone.now())


def write_off(problems: Sequence[Problem]) -> None:
    """Nobody can ask D-Wave any more, for the token is deleted: what was reserved counts as spent."""
    for problem in problems:
        quotas.settle(usage=problem.usage, access_time_ns=problem.usage.estimate_ns, now=timezone.now())
        log.warning("token_gone", usage_id=problem.pk)


# --- Problems that D-Wave has taken -----------------------------------------------------------------------------------


async def follow(gateway: Gateway, work: Work) -> None:
    for start in range(0, len(work.known), GROUP):
        by_id = {problem.upstream_id: problem for problem in work.known[start : start + GROUP]}
        for words in await statuses(work.upstream, list(by_id)):
            problem = by_id.get(words.get("id", ""))
            if problem is not None:
                await book(gateway, work.upstream, problem, words)


async def book(gateway: Gateway, upstream: Upstream, problem: Problem, words: dict[str, Any]) -> None:
    if words.get("status") == "COMPLETED":
        words = {**words, **await answer_of(upstream, problem.upstream_id)}
    await gateway.in_database(services.record, problem, words, timezone.now())


async def statuses(upstream: Upstream, ids: list[str]) -> list[dict[str, Any]]:
    """What D-Wave says of problems; one by one if it does not know one of them, which refuses all."""
    said = await ask(upstream, "problems/", "problems", {"id": ",".join(ids), "timeout": "1"})
    if isinstance(said, list):
        return [words for words in said if isinstance(words, dict)]
    if len(ids) == 1:
        log.error("problem_unknown_upstream", problem_id=ids[0])
        return []
    return [words for id_ in ids for words in await statuses(upstream, [id_])]


async def answer_of(upstream: Upstream, upstream_id: str) -> dict[str, Any]:
    said = await ask(upstream, f"problems/{upstream_id}/answer", "problem-answer")
    return {"answer": said.get("answer")} if isinstance(said, dict) else {}


async def ask(upstream: Upstream, path: str, kind: str, params: dict[str, str] | None = None) -> Any:
    """What D-Wave answers; None if it refuses. Refusal or Lost if it cannot be reached."""
    reply = await upstream.read(path, params=params, headers={"Accept": f"{VENDOR}{kind}+json; version=3.0.0"})
    return reply.json() if reply.ok else None


# --- Submissions whose answer was lost --------------------------------------------------------------------------------


async def find_lost(gateway: Gateway, work: Work) -> None:
    for problem in work.lost:
        said = await ask(work.upstream, "problems/", "problems", {"label": marker_of(problem.pk), "max_results": "10"})
        found = next((words for words in said or [] if is_of(problem, words)), None)
        if found:
            await gateway.in_database(services.record, problem, found, timezone.now())
            await book(gateway, work.upstream, problem, found)
            log.info("problem_adopted", usage_id=problem.pk)
        elif said is not None and problem.usage.created_at < timezone.now() - LOST_AFTER:
            await gateway.in_database(services.release, [problem], timezone.now())
            log.info("problem_never_arrived", usage_id=problem.pk)


def is_of(problem: Problem, words: Any) -> bool:
    return isinstance(words, dict) and usage_id_in(str(words.get("label", ""))) == problem.pk


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
