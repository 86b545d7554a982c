"""The rules of a token: which solvers its jobs may use, what one may reserve, how many of a member's may be open."""

from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from audit import log
from audit.models import Event
from organizations.models import Membership
from quotas.models import RefusedJobs, Usage
from quotas.policies import MAX_NS
from quotas.refusals import Why
from quotas.units import human
from tokens.models import Provider, QpuToken
from tokens.services import lock

from .models import TokenRules
from .solvers import NO_SOLVER
from .wire import Refusal, is_plain

MAX_SOLVERS = 100
MAX_OPEN_PROBLEMS = 1000  # what D-Wave lets a project have in its queue


def rules_of(token: QpuToken) -> TokenRules:
    """The token's rules; where none are set, rules that let everything through."""
    try:
        return token.rules
    except TokenRules.DoesNotExist:
        return TokenRules(token=token)


# --- Changing them ----------------------------------------------------------------------------------------------------


class Changes(TypedDict, total=False):
    """What is left out stays. An empty list allows all solvers, None takes a limit away."""

    solvers: list[str]
    max_estimate_ns: int | None
    max_open_problems: int | None


@transaction.atomic
def change_rules(*, token: QpuToken, by: Membership, **changes: Unpack[Changes]) -> TokenRules:
    """Change some of a D-Wave token's rules. They hold for jobs that come from now on."""
    if token.provider != Provider.DWAVE:
        raise ValidationError("Rules can be set on D-Wave tokens only.", code="provider")
    lock(token)
    rules = TokenRules.objects.filter(token=token).first() or TokenRules(token=token)
    new = {name: value for name, value in clean(changes).items() if value != getattr(rules, name)}
    if new:
        for name, value in new.items():
            setattr(rules, name, value)
        rules.save()
        log.record(
            Event.Action.RULES_CHANGED,
            by=by,
            target=token,
            organization=token.organization,
            **{name: ", ".join(value) if isinstance(value, list) else value for name, value in new.items()},
        )
    return rules


def clean(changes: Changes) -> dict[str, list[str] | int | None]:
    """The changes, if they make sense. Solvers need not be known: they come and go."""
    cleaned: dict[str, list[str] | int | None] = {}
    if "solvers" in changes:
        cleaned["solvers"] = clean_solvers(changes["solvers"])
    if "max_estimate_ns" in changes:
        cleaned["max_estimate_ns"] = clean_limit("max_estimate_ns", changes["max_estimate_ns"], MAX_NS)
    if "max_open_problems" in changes:
        cleaned["max_open_problems"] = clean_limit("max_open_problems", changes["max_open_problems"], MAX_OPEN_PROBLEMS)
    return cleaned


def clean_solvers(names: list[str]) -> list[str]:
    if len(names) > MAX_SOLVERS:
        raise ValidationError({"solvers": f"Name at most {MAX_SOLVERS} solvers."})
    if not all(map(is_plain, names)):
        raise ValidationError({"solvers": "The name of a solver has 1 to 100 letters, digits and . _ - : = + ~ only."})
    return list(dict.fromkeys(names))


def clean_limit(name: str, value: int | None, most: int) -> int | None:
    if value is not None and not 1 <= value <= most:
        raise ValidationError({name: f"Choose 1 to {most}, or null for no limit."})
    return value


# --- Keeping them -----------------------------------------------------------------------------------------------------


class Refused(Refusal):
    """A job that the rules or the quotas of its token do not let through; `why` is what people see of it later."""

    def __init__(self, status: int, message: str, why: Why) -> None:
        super().__init__(status, message)
        self.why = why


def require_rules(rules: TokenRules, *, member: Membership, solver: str, estimate_ns: int) -> None:
    """Refuse a job that the rules do not let through. Belongs in the transaction that books the job."""
    if not rules.allows(solver):
        raise Refused(404, NO_SOLVER, Why(RefusedJobs.Reason.SOLVER, estimate_ns, solver))
    if rules.max_estimate_ns is not None and estimate_ns > rules.max_estimate_ns:
        raise Refused(
            403,
            f"Problem not accepted because it needs about {human(estimate_ns, ROUND_CEILING)}, and one job on "
            f"{rules.token.name} may take at most {human(rules.max_estimate_ns, ROUND_FLOOR)}.",
            Why(RefusedJobs.Reason.TOO_LARGE, estimate_ns, solver),
        )
    if rules.max_open_problems is not None:
        why = Why(RefusedJobs.Reason.TOO_MANY_OPEN, estimate_ns, solver)
        require_room(rules.token, member, rules.max_open_problems, why)


def require_room(token: QpuToken, member: Membership, most: int, why: Why) -> None:
    # All of a user's jobs come one after the other from here on, so that none is counted too late. Jobs lock the user
    # before policies; nothing that locks policies goes on to lock users.
    User.objects.lock(member.user_id)
    count = Usage.objects.open().filter(user_id=member.user_id, token_id=token.pk).count()
    if count >= most:
        raise Refused(
            403,
            f"Problem not accepted because {count} of your problems on {token.name} are open, and at most {most} "
            "may be open at once. Try again when one has ended.",
            why,
        )
