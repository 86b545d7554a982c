"""Cancelling a problem from the portal. Asks D-Wave, so never to be called inside a transaction."""

import asyncio
from datetime import datetime
from http import HTTPStatus
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import TextChoices

from audit import log
from audit.models import Event
from organizations.errors import Conflict
from organizations.models import Membership
from quotas.models import Usage

from . import services
from .models import Problem
from .reconcile import Secrets, secrets_of
from .upstream import Answer, Lost, NotSent, Upstream, new_session
from .wire import VENDOR

SECONDS = 15  # that somebody at a page is kept waiting for D-Wave


class Outcome(TextChoices):
    CANCELLED = "cancelled", "The problem is cancelled. It costs nothing."
    RUNNING = "running", "The problem is running. It may still end, and then costs what it took."
    ENDED = "ended", "The problem has ended already."


class NotAnswered(Exception):
    """D-Wave did not say what became of the request."""

    def __init__(self) -> None:
        super().__init__("D-Wave did not answer as it should. Look at the problem in a minute, and try again.")


def cancel_problem(*, usage: Usage, by: Membership, now: datetime) -> Outcome:
    """Cancel a problem at D-Wave, for its sender or for an admin, and book what comes of it."""
    problem: Problem = usage.problem
    if not services.is_open(problem):
        return Outcome.ENDED
    if not problem.upstream_id:
        raise Conflict(
            "D-Wave has not confirmed this problem yet. "
            "Try again in a few minutes: it is known by then, or given back.",
            code="unconfirmed",
        )
    secrets = secrets_of({usage.token_id}).get(usage.token_id)
    if secrets is None:
        raise Conflict("The token of this problem is deleted, so D-Wave cannot be asked any more.", code="gone")
    answer = async_to_sync(ask)(problem, secrets)
    words = words_about(problem, answer)
    outcome = outcome_of(answer.status, words.get("status"))
    with transaction.atomic():
        services.record(problem, words, now)
        if outcome is not Outcome.ENDED and usage.user_id != by.user_id:
            log.record(Event.Action.PROBLEM_CANCELLED, by=by, target=problem, user=usage.user_email, outcome=outcome)
    return outcome


async def ask(problem: Problem, secrets: Secrets) -> Answer:
    headers = {"Accept": f"{VENDOR}problem+json; version=3.0.0"}
    try:
        async with asyncio.timeout(SECONDS), new_session() as session:
            upstream = Upstream(session, problem.endpoint, *secrets.of(problem.secret_version))
            return await upstream.request("DELETE", f"problems/{problem.upstream_id}", headers=headers)
    except (NotSent, Lost, TimeoutError):
        raise NotAnswered from None


def words_about(problem: Problem, answer: Answer) -> dict[str, Any]:
    """What D-Wave says of the problem; nothing where it speaks of another one, or makes no sense."""
    try:
        words = answer.json()
    except Lost:
        return {}
    return words if isinstance(words, dict) and words.get("id") == problem.upstream_id else {}


def outcome_of(http_status: int, status: Any) -> Outcome:
    match http_status, status:
        case HTTPStatus.OK, "CANCELLED":
            return Outcome.CANCELLED
        case (HTTPStatus.OK, "PENDING" | "IN_PROGRESS") | (HTTPStatus.ACCEPTED, _):
            return Outcome.RUNNING
        case (HTTPStatus.OK, "COMPLETED" | "FAILED") | (HTTPStatus.CONFLICT, _):
            return Outcome.ENDED
        case ((HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN), _):
            raise Conflict("D-Wave does not accept the token of this problem. Whoever manages it can test it.")
        case HTTPStatus.NOT_FOUND, _:
            raise Conflict("D-Wave does not know this problem any more.")
    raise NotAnswered
