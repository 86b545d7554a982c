"""python -m tests.postgres python -m tests.faults.nodes: what can befall a portal of two nodes while it is at work.

Each fault comes while members use pages, APIs, the gateway and solve jobs, and says how many requests failed, and how.
Exits 1 if one failed that should not have, or the ledger is not true in the end.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor

from . import deployment, portal
from .deployment import Nodes
from .load import load
from .programs import Tally
from .systemctl import Unit

MEMBERS = 2
LARGEST_DISK = 2 * 1024**3
RECOVERY_SECONDS = portal.GIVEN_BACK_SECONDS + 180  # clocks may have been wrong
CALM = 5  # seconds of load before and after each fault
GOOD = {"200", "201", "202", "204", "304", "DONE", "taken"}
# What a client may meet while a process dies: its connection is lost, or nginx says so.
DYING = {"502", "503", "504"}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.nodes")
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"some of: {', '.join(FAULTS)} (all of them)")
    parser.add_argument("--pgbouncer", action="store_true", help="between the portal and PostgreSQL")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if unknown := set(arguments.faults) - FAULTS.keys():
        parser.error(f"There is no such fault: {', '.join(unknown)}.")
    if NEED_PGBOUNCER & set(arguments.faults) and not arguments.pgbouncer:
        parser.error("A replica takes the place of the database behind PgBouncer only: add --pgbouncer.")
    return arguments


# --- Faults -----------------------------------------------------------------------------------------------------------


def nothing(nodes: Nodes) -> set[str]:
    """No fault: what follows is compared with this."""
    return set()


def deploy(nodes: Nodes) -> set[str]:
    """A migration such as an upgrade brings, then every process restarted, one after the other."""
    migrate("later")
    nodes.roll()
    for name in ("luna-portal-solver@1", "luna-portal-solver@2", "luna-portal-reconciler", "luna-portal-worker"):
        nodes.units[name].restart()
    return set()


def node(nodes: Nodes) -> set[str]:
    """One machine is gone: a web process, a gateway and a worker end by kill -9, and stay away for a while."""
    lost = [next(unit for name, unit in nodes.units.items() if kind in name) for kind in ("web", "gateway", "solver")]
    for unit in lost:
        unit.kill()
    time.sleep(20)
    for unit in lost:
        unit.start()
    return DYING


def redis(nodes: Nodes) -> set[str]:
    """Redis is away for 10 seconds."""
    nodes.redis.kill()
    time.sleep(10)
    nodes.redis.start()
    return {"503"}  # for jobs on a QPU: what the web processes know of QPUs lives there


def database(nodes: Nodes) -> set[str]:
    """PostgreSQL is stopped at once, as by a crash, and started after 5 seconds."""
    nodes.database.stop("immediate")
    time.sleep(5)
    nodes.database.start()
    return DYING


def replica(nodes: Nodes, *, synchronous: bool = True) -> set[str]:
    """The primary is lost, and what it did in its last 2 seconds has not come to its replica, which takes its place."""
    primary = nodes.database
    follower = primary.replica(nodes.stack)
    if synchronous:
        primary.wait_for_replica()
    check(follower.url)
    time.sleep(CALM)
    primary.stop_sending()
    time.sleep(2)
    began = time.monotonic()
    primary.kill()
    nodes.fail_over(follower)
    promoted = time.monotonic()
    portal.until(partial(portal.answers, f"{nodes.address}/accounts/login/"), seconds=120)
    print(f"Promoted after {promoted - began:.1f} s, ready after {time.monotonic() - began:.1f} s.")
    return DYING


def asynchronous(nodes: Nodes) -> set[str]:
    """The same with a replica that the primary does not wait for: what is acknowledged may be lost."""
    return replica(nodes, synchronous=False)


def connections(nodes: Nodes) -> set[str]:
    """All connections to PostgreSQL are cut, three times."""
    for _ in range(3):
        portal.DatabaseConnections().kill()
        time.sleep(2)
    return DYING


def disk(nodes: Nodes) -> set[str]:
    """PostgreSQL's disk is full for 10 seconds."""
    if is_large(nodes.database.folder):
        raise SystemExit(
            "This would fill up a disk that is not ours alone. docs/faults.md tells how to get a small one."
        )
    filler = nodes.database.folder.parent / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(1024 * 1024))
                file.flush()
        except OSError:
            pass
    time.sleep(10)
    filler.unlink()
    return DYING


def backup(nodes: Nodes) -> set[str]:
    """Copies by deploy/backup and pg_basebackup, restored: their ledgers prove themselves, secrets can be read."""
    folder = Path(portal.SCRATCH.name, "backups")
    folder.mkdir(exist_ok=True)
    environment = os.environ | {
        "DATABASE_URL": nodes.database.url,
        "PATH": f"{nodes.database.bin}:{os.environ['PATH']}",
    }
    made = subprocess.run(
        [deployment.DEPLOY / "backup", folder], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    restored = nodes.database.url.replace("/postgres?", "/restored?")
    nodes.database.run("psql", nodes.database.url, "-qc", "CREATE DATABASE restored")
    nodes.database.run("pg_restore", "--no-owner", f"--dbname={restored}", made.stdout.strip())
    check(restored)
    nodes.database.run("psql", nodes.database.url, "-qc", "DROP DATABASE restored")
    with ExitStack() as stack:
        check(nodes.database.base_backup(stack).url)
    return set()


def clock(nodes: Nodes) -> set[str]:
    """The clocks of a gateway and a worker are two minutes fast, then two minutes slow."""
    wrong = [next(name for name in nodes.units if kind in name) for kind in ("gateway", "solver")]
    for jump in ("+120", "-120"):
        for name in wrong:
            nodes.units[name].stop()
            Unit(name, **at_another_time(jump)).start()
        time.sleep(30)
        if ended := [name for name in wrong if not nodes.units[name].is_running]:
            raise RuntimeError(f"With a clock at {jump} seconds these have ended: {ended}")
    for name in wrong:
        nodes.units[name].restart()
    return DYING


FAULTS: dict[str, Callable[[Nodes], set[str]]] = {
    fault.__name__: fault
    for fault in (nothing, deploy, node, redis, database, connections, disk, backup, clock, replica, asynchronous)
}
NEED_PGBOUNCER = {"replica", "asynchronous"}  # the address that stays


def possible(nodes: Nodes) -> list[str]:
    """All faults that do not lose anything, without filling up a disk that is not ours alone."""
    names = [name for name in FAULTS if name != "asynchronous" and (nodes.pgbouncer or name not in NEED_PGBOUNCER)]
    if is_large(nodes.database.folder):
        names.remove("disk")
        print("Left out: disk, as docs/faults.md explains.")
    return names


def is_large(folder: Path) -> bool:
    return shutil.disk_usage(folder).total > LARGEST_DISK


def migrate(column: str) -> None:
    """What releases may bring: a new column that may be empty, and an index, on the largest table."""
    state = MigrationExecutor(connection).loader.project_state()
    steps = [migrations.AddField("usage", column, models.TextField(null=True))]
    for step in steps:
        later = state.clone()
        step.state_forwards("quotas", later)
        with connection.schema_editor() as editor:
            step.database_forwards("quotas", editor, state, later)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        cursor.execute(f"CREATE INDEX CONCURRENTLY usage_{column} ON quotas_usage ({column})")


def at_another_time(jump: str) -> dict[str, str]:
    """The environment of a process whose clock is so many seconds ahead; what it measures by it stays right."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise SystemExit("faketime is not installed. On Debian and Ubuntu: apt install faketime")
    mended = str(Path(__file__).parent / "wrong_clock")
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": jump, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": mended}


def check(url: str) -> None:
    """Prove the ledger of another database, and that its secrets can be read."""
    for command in ("check_ledger", "check"):
        subprocess.run(
            [sys.executable, "manage.py", command, *(["--database", "default"] if command == "check" else [])],
            cwd=portal.ROOT,
            env=os.environ | {"DATABASE_URL": url, "LOG_LEVEL": "ERROR"},
            check=True,
        )


# --- All of it --------------------------------------------------------------------------------------------------------


def suffer(name: str, nodes: Nodes, members: list, token: portal.QpuToken) -> list[str]:
    """Let a fault come while everybody is at work. What went wrong."""
    print(f"\n--- {name}: {FAULTS[name].__doc__}", flush=True)
    connection.close()
    with load(nodes.address, members, token) as tally:
        time.sleep(CALM)
        expected = FAULTS[name](nodes)
        time.sleep(CALM)
    print(tally, flush=True)
    call_command("check_ledger")
    failed = [f"{name}: {number} x {kind} ended with {outcome}" for kind, outcome, number in failures(tally, expected)]
    lost = tally.acknowledged - known_problems(tally.acknowledged)
    print(f"Problems acknowledged: {len(tally.acknowledged)}, of them lost: {len(lost)}", flush=True)
    return [*failed, *([f"{name}: {len(lost)} problems that were acknowledged are not in the ledger"] if lost else [])]


def known_problems(ids: set[str]) -> set[str]:
    return set(portal.Problem.objects.filter(upstream_id__in=ids).values_list("upstream_id", flat=True))


def failures(tally: Tally, expected: set[str]) -> list[tuple[str, str, int]]:
    return [
        (kind, outcome, number)
        for kind, counts in tally.counts.items()
        for outcome, number in counts.items()
        if outcome not in GOOD | expected and not (kind == "problem" and expected)
    ]


def still_open(nodes: Nodes) -> list[str]:
    """Wait until all lines of the ledger are closed; a complaint if that takes too long."""
    try:
        portal.until(lambda: portal.all_ended(nodes.dwave) and not portal.open_lines(), seconds=RECOVERY_SECONDS)
    except TimeoutError:
        return [f"{portal.open_lines()} lines are still open"]
    return []


def main(arguments: argparse.Namespace) -> list[str]:
    """What went wrong."""
    portal.prepare_database()
    members = portal.members(MEMBERS)
    token = portal.group_token("lab", by=members[0][0])
    portal.assign(token, None, 10**15, by=members[0][0])
    wrong = []
    with deployment.running(pgbouncer=arguments.pgbouncer, seed=arguments.seed) as nodes:
        for name in arguments.faults or possible(nodes):
            wrong += suffer(name, nodes, members, token)
        wrong += still_open(nodes)
        books = [portal.books(token, nodes.dwave)]
        print(f"\n{portal.table_of(books)}")
        mismatches = [*map(str, portal.prove()[1]), *map(str, portal.daily.prove()[1])]
        differs = [f"{each.name}: what is booked is not what ran" for each in books if not each.agree]
        return [*wrong, *differs, *mismatches, *nodes.errors]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left running
    sys.exit(portal.verdict(main(parse_arguments())))
