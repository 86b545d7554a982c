"""Everything that an operator would look at, each with what to do where it is not as it should be.

A check returns what it has found. One that fails by itself is a finding too: the others go on, also without a database.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from pathlib import Path

import urllib3
from django.conf import settings
from django.core import checks
from django.core.cache import caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.mails import write
from encryption import canary
from monitoring.models import Heartbeat
from quotas import daily, proof

from . import facts
from .facts import Backlog
from .redaction import redact_text

GIGABYTE = 1024**3
SECONDS = 5.0  # for D-Wave to answer
A_WHILE = timedelta(minutes=10)
ENDED_BY_NOW = timedelta(days=8)  # a problem that D-Wave has forgotten is written off after seven
SILENCE = {
    Heartbeat.Process.RECONCILER: timedelta(minutes=2),
    Heartbeat.Process.SOLVER: timedelta(minutes=2),
    Heartbeat.Process.WORKER: timedelta(minutes=5),
    Heartbeat.Process.TIDY: timedelta(hours=30),
}


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """How something is, in one sentence, and in another what to do about it."""

    level: Level
    message: str
    advice: str = ""


ok = partial(Finding, Level.OK)
warning = partial(Finding, Level.WARNING)
failed = partial(Finding, Level.FAILED)

Check = Callable[[datetime], Finding]


def examine(now: datetime, *, mail_to: str = "", ledger: bool = False) -> Iterator[tuple[str, Finding]]:
    """Look at everything, one after the other. The ledger is proven and a mail is sent if asked for."""
    wanted: dict[str, Check] = dict(WITHOUT_DATABASE)
    if mail_to:
        wanted["mail"] = partial(mail, mail_to)
    yield from look(wanted, now)
    answers = found_by(database, now)
    yield "database", answers
    if answers.level is Level.FAILED:
        return
    yield from look(WITH_DATABASE, now)
    if ledger:
        yield "ledger", found_by(ledger_is_true, now)


def look(wanted: Mapping[str, Check], now: datetime) -> Iterator[tuple[str, Finding]]:
    for name, check in wanted.items():
        yield name, found_by(check, now)


def found_by(check: Check, now: datetime) -> Finding:
    try:
        return check(now)
    except Exception as error:
        words = redact_text(str(error)).strip().splitlines() or [""]
        return failed(f"{type(error).__name__}: {words[0]}", "See to what this says; the checks of the rest go on.")


# --- Without the database ---------------------------------------------------------------------------------------------


def settings_fit(now: datetime) -> Finding:
    found = [issue for issue in checks.run_checks(include_deployment_checks=True) if not issue.is_silenced()]
    issues = [issue for issue in found if issue.level >= checks.WARNING]
    if not issues:
        return ok("Django's checks of a deployment find nothing.")
    grave = any(issue.level >= checks.ERROR for issue in issues)
    names = ", ".join(sorted({str(issue.id) for issue in issues}))
    return (failed if grave else warning)(
        f"Django's checks of a deployment find {names}.",
        "Run manage.py check --deploy, and docs/settings.md says more.",
    )


def static_files(now: datetime) -> Finding:
    if settings.SERVE_STATIC_FROM_SOURCE:
        return warning("Served from the source, which is slow.", "Unset SERVE_STATIC_FROM_SOURCE in production.")
    manifest = settings.BASE_DIR / "staticfiles" / "staticfiles.json"
    if not manifest.is_file():
        return failed("They are not collected: pages cannot be shown.", "Run manage.py collectstatic --no-input.")
    newest = max(path.stat().st_mtime for path in (settings.BASE_DIR / "static").rglob("*"))
    if manifest.stat().st_mtime < newest:
        return warning("They were collected before the source changed.", "Run manage.py collectstatic --no-input.")
    return ok("Collected.")


def disk(now: datetime) -> Finding:
    """Free space, where it is least, of all places that the portal writes to."""
    free, folder = min((shutil.disk_usage(folder).free, folder) for folder in folders_written_to())
    message = f"{free / GIGABYTE:.1f} GB free in {folder}."
    if free < GIGABYTE / 4:
        return failed(message, "Make room at once: without it nothing can be booked.")
    if free < 2 * GIGABYTE:
        return warning(message, "Make room, or move old jobs elsewhere by manage.py archive_usage.")
    return ok(message)


def folders_written_to() -> Iterator[Path]:
    yield settings.BASE_DIR
    if connection.vendor == "sqlite":
        yield Path(connection.settings_dict["NAME"]).absolute().parent
    if settings.METRICS_TOKEN and settings.METRICS_DIR.is_dir():
        yield settings.METRICS_DIR


def upstream(now: datetime) -> Finding:
    """Whether D-Wave answers, and whether its clock and ours agree. Sends no token, so it refuses."""
    address = settings.DWAVE_UPSTREAM_ENDPOINT
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=SECONDS)) as http:
        try:
            answer = http.request("GET", f"{address.rstrip('/')}/solvers/remote/", redirect=False)
        except urllib3.exceptions.HTTPError:
            return failed(f"Nothing answers at {address}.", "Check DWAVE_UPSTREAM_ENDPOINT, the network, the firewall.")
    if answer.status not in {401, 403}:
        return warning(
            f"What answers at {address} does not ask for a token ({answer.status}).",
            "Check DWAVE_UPSTREAM_ENDPOINT and D-Wave's status page.",
        )
    return clock(answer.headers.get("Date"), now) or ok(f"Answers at {address}.")


def clock(date: str | None, now: datetime) -> Finding | None:
    """A finding if D-Wave's clock and ours differ by more than requests take."""
    difference = abs(parsedate_to_datetime(date) - now) if date else timedelta(0)
    if difference < timedelta(seconds=30):
        return None
    return warning(
        f"This clock and D-Wave's differ by {words_for(difference)}.", "Have this machine set its clock (NTP)."
    )


def metrics(now: datetime) -> Finding:
    if not settings.METRICS_TOKEN:
        return warning(
            "There are none: nobody is told when something breaks.", "Set METRICS_TOKEN: docs/operations.md."
        )
    (settings.METRICS_DIR / "doctor").touch()
    (settings.METRICS_DIR / "doctor").unlink()
    return ok(f"Counted in {settings.METRICS_DIR}.")


def mail(to: str, now: datetime) -> Finding:
    write("emails/trial", to, {}).send()
    return ok(f"Sent to {to}: see whether it arrives.")


# --- In the database --------------------------------------------------------------------------------------------------


def database(now: datetime) -> Finding:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return ok(f"SQLite {cursor.fetchone()[0]}, for one machine and few people.")
        cursor.execute(
            "SELECT current_setting('server_version'), pg_encoding_to_char(encoding), clock_timestamp(),"
            " (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int"
            " FROM pg_database WHERE datname = current_database()"
        )
        version, encoding, moment, connections, most = cursor.fetchone()
    if encoding != "UTF8":
        return failed(
            f"Its encoding is {encoding}.", "Restore a dump into a database that was made with ENCODING UTF8."
        )
    if abs(moment - datetime.now(UTC)) > timedelta(seconds=2):
        return warning("Its clock differs from this machine's.", "Have both machines set their clocks (NTP).")
    if connections > 0.8 * most:
        return warning(f"{connections} of {most} connections are in use.", "Raise max_connections or use PgBouncer.")
    return ok(f"PostgreSQL {version}, {connections} of {most} connections.")


def collation(now: datetime) -> Finding:
    """Text sorts as when the indexes were made; a new C library may sort otherwise, and then indexes find nothing."""
    # PostgreSQL before 15 does not remember it.
    if connection.vendor == "sqlite" or connection.pg_version < 150_000:  # type: ignore[attr-defined]
        return ok("This database cannot tell.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datcollversion IS NOT DISTINCT FROM pg_database_collation_actual_version(oid)"
            " FROM pg_database WHERE datname = current_database()"
        )
        if cursor.fetchone()[0]:
            return ok("Text sorts as when the indexes were made.")
    return failed(
        "The C library sorts text otherwise than when the indexes were made.",
        "Run REINDEX DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION.",
    )


def migrations(now: datetime) -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return failed(f"{len(plan)} are not applied, such as {plan[0][0]}.", "Run manage.py migrate.")
    return ok("All are applied.")


def encryption(now: datetime) -> Finding:
    canary.verify()
    return ok("FIELD_ENCRYPTION_KEY fits this database.")


def cache(now: datetime) -> Finding:
    shared, name, value = caches["default"], f"doctor-{secrets.token_hex(8)}", secrets.token_hex(8)
    kind = type(shared).__name__
    if kind in {"LocMemCache", "DummyCache"}:
        return failed(f"{kind} is not shared, so rate limits do not hold.", "Set CACHE_URL to db://cache or redis://….")
    advice = "Check CACHE_URL and its server; for db:// run manage.py createcachetable."
    try:
        shared.set(name, value, timeout=60)
        found = shared.get(name)
        shared.delete(name)
    except Exception as error:  # each kind of cache has its own
        return failed(f"{kind} does not answer: {type(error).__name__}.", advice)
    if found != value:
        return failed(f"{kind} does not keep what is written.", advice)
    return ok(f"{kind} keeps what is written.")


def heard_of(process: Heartbeat.Process, now: datetime) -> Finding:
    silence = facts.silences(now)[process]
    if silence is None:
        return failed("It was never heard of.", f"Start {process.label}.")
    if silence > SILENCE[process]:
        return failed(
            f"It has not been heard of for {words_for(silence)}.", f"Start {process.label}, and read its log."
        )
    return ok(f"Heard of {words_for(silence)} ago.")


def not_for_long(question: Callable[[datetime], Backlog], most: timedelta, advice: str, now: datetime) -> Finding:
    """A warning if what waits has waited for too long."""
    found = question(now)
    if found.age > most:
        return warning(f"{found.count}, the oldest for {words_for(found.age)}.", advice)
    return ok(f"{found.count}.")


def reservations(now: datetime) -> Finding:
    found = [backlog for backlog, _ in facts.open_reservations(now).values()]
    oldest = max(backlog.age for backlog in found)
    if oldest > ENDED_BY_NOW:
        return failed(
            f"The oldest is open for {words_for(oldest)}.",
            "Read the reconciler's log: it says why it cannot be settled.",
        )
    return ok(f"{sum(backlog.count for backlog in found)} open.")


def failed_tasks(now: datetime) -> Finding:
    count = facts.tasks_failed()
    if count:
        return warning(
            f"{count} in the last 30 days.", "Read why under Failed tasks in /admin/; delete what is done with."
        )
    return ok("None.")


def ledger_is_true(now: datetime) -> Finding:
    policies, mismatches = proof.prove()
    days, wrong_days = daily.prove()
    if mismatches:
        return failed(
            f"{len(mismatches)} of {policies} policies are wrong.", "Run manage.py check_ledger, and report it."
        )
    if wrong_days:
        return failed(f"{len(wrong_days)} of {days} days are wrong.", "Run manage.py rebuild_daily_usage.")
    return ok(f"True: {policies} policies, {days} rows of days.")


def words_for(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} seconds"


WITHOUT_DATABASE: Mapping[str, Check] = {
    "settings": settings_fit,
    "static files": static_files,
    "disk": disk,
    "D-Wave": upstream,
    "metrics": metrics,
}
WITH_DATABASE: Mapping[str, Check] = {
    "collation": collation,
    "migrations": migrations,
    "encryption": encryption,
    "cache": cache,
    **{process.value: partial(heard_of, process) for process in Heartbeat.Process},
    "problems": partial(
        not_for_long,
        facts.problems_not_heard_of,
        A_WHILE,
        "Read the reconciler's log: does D-Wave answer, and to whom?",
    ),
    "in doubt": partial(
        not_for_long, facts.submissions_in_doubt, A_WHILE, "Read the reconciler's log: it looks for them at D-Wave."
    ),
    "reservations": reservations,
    "retired secrets": partial(
        not_for_long, facts.retired_secrets, ENDED_BY_NOW, "Jobs that need them are open: see the line above."
    ),
    "solve jobs": partial(not_for_long, facts.solve_jobs_waiting, A_WHILE, "Start more of manage.py solve."),
    "tasks": partial(not_for_long, facts.tasks_queued, A_WHILE, "Start manage.py qcluster; mails wait."),
    "late schedules": partial(not_for_long, facts.schedules_overdue, A_WHILE, "Start manage.py qcluster."),
    "failed tasks": failed_tasks,
}
