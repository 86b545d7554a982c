"""One process that books jobs: python -m benchmarks.bookings THREADS; DATABASE_URL and the rest from the environment.

It reads lines `WHO POLICIES SECONDS`, books and settles jobs for so long, each on one of the first so many policies,
and answers how many these were. WHO is `portal` for the services, `sqlite` for their statements by sqlite3 alone.
"""

import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from .statements import RESERVE, SETTLE

Job = Callable[[int], None]  # one job on the policy with this id


def portal_jobs() -> Callable[[], Job]:
    """By the services, as the gateway calls them."""
    import django

    django.setup()
    from django.utils import timezone

    from organizations.models import Membership
    from quotas.models import Usage
    from quotas.services import reserve, settle
    from tokens.models import QpuToken

    admin = Membership.objects.select_related("user", "organization").get()
    tokens = QpuToken.objects.in_bulk()

    def job(policy_id: int) -> None:
        usage = reserve(
            token=tokens[policy_id], by=admin, estimate_ns=1000, source=Usage.Source.GATEWAY, now=timezone.now()
        )
        settle(usage=usage, access_time_ns=1000, now=timezone.now())

    return lambda: job


def sqlite_jobs() -> Callable[[], Job]:
    """By sqlite3 alone, with the settings of the portal's connections."""

    def connected() -> Job:
        path = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
        connection = sqlite3.connect(path, timeout=20, isolation_level=None)
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")

        def job(policy_id: int) -> None:
            values = {"policy": policy_id}
            for statements in (RESERVE, SETTLE):
                connection.execute("BEGIN IMMEDIATE")
                for statement in statements:
                    with closing(connection.execute(statement, values)) as cursor:
                        if "RETURNING" in statement:
                            values["line"] = cursor.fetchone()[0]
                connection.execute("COMMIT")

        return job

    return connected


def count(make: Callable[[], Job], policies: int, seconds: float) -> int:
    job, done, until = make(), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        job(random.randint(1, policies))
        done += 1
    return done


def main(threads: int) -> None:
    makers: dict[str, Callable[[], Job]] = {}
    with ThreadPoolExecutor(threads) as pool:
        for line in sys.stdin:
            who, policies, seconds = line.split()
            if who not in makers:
                makers[who] = {"portal": portal_jobs, "sqlite": sqlite_jobs}[who]()
            counts = [pool.submit(count, makers[who], int(policies), float(seconds)) for _ in range(threads)]
            print(sum(found.result() for found in counts), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
