"""Jobs that were refused, counted by day so that people see why. Nothing depends on it. Durations are nanoseconds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from monitoring.metrics import count_refusals
from organizations.models import Membership
from tokens.models import QpuToken

from .daily import day_of
from .models import RefusedJobs
from .policies import Decision

KEPT = timedelta(days=90)

# One statement that is a transaction of its own: whom it keeps waiting are jobs of one user, refused alike.
COUNT = """
    INSERT INTO quotas_refusedjobs
        (user_id, token_id, day, reason, jobs, first_at, last_at, organization_id, user_email, token_name, source,
         solver, needed_ns, left_ns, changes_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (user_id, token_id, day, reason) DO UPDATE
    SET jobs = quotas_refusedjobs.jobs + excluded.jobs, last_at = excluded.last_at, user_email = excluded.user_email,
        token_name = excluded.token_name, source = excluded.source, solver = excluded.solver,
        needed_ns = excluded.needed_ns, left_ns = excluded.left_ns, changes_at = excluded.changes_at
"""


@dataclass(frozen=True)
class Why:
    """Why a job was refused. `left_ns` is what the quota had left; None if a rule refused."""

    reason: RefusedJobs.Reason
    needed_ns: int
    solver: str
    left_ns: int | None = None
    changes_at: datetime | None = None

    @classmethod
    def of(cls, decision: Decision, solver: str) -> "Why":
        """The first of the policies that refuse."""
        first = decision.refusals[0]
        reason = RefusedJobs.Reason(f"{first.limit.subject}_{first.reason}")
        return cls(reason, first.needed_ns, solver, first.limit.left_ns, first.changes_at)


def count(whys: Iterable[Why], *, token: QpuToken, by: Membership, source: str, now: datetime) -> None:
    """Count jobs of a member that were refused on a token, with one statement for all that were refused alike.

    Call it outside of the transaction in which they were refused: that one is rolled back, and holds locks.
    """
    whys = list(whys)
    jobs, last = Counter(why.reason for why in whys), {why.reason: why for why in whys}
    for reason, why in last.items():
        count_refusals(reason, jobs[reason])
        key = [by.user_id, token.pk, connection.ops.adapt_datefield_value(day_of(now)), reason]
        names = [token.organization_id, by.user.email, token.name, source, why.solver]
        moment, changes_at = (connection.ops.adapt_datetimefield_value(at) for at in (now, why.changes_at))
        with connection.cursor() as cursor:
            cursor.execute(COUNT, [*key, jobs[reason], moment, moment, *names, why.needed_ns, why.left_ns, changes_at])


def forget_old(now: datetime) -> None:
    """Delete what was refused longer ago than it is kept."""
    RefusedJobs.objects.filter(day__lt=day_of(now - KEPT)).delete()
