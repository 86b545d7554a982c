"""A portal in processes of its own, an emulated D-Wave behind it, and the books of both.

Its database is the one of TEST_DATABASE_URL (`python -m tests.postgres` sets it), else SQLite.
"""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import django

ROOT = Path(__file__).parent.parent.parent
LOGS = ROOT / "var/faults"
SCRATCH = tempfile.TemporaryDirectory(prefix="lunaportal-faults-")

os.environ |= {
    "DJANGO_SETTINGS_MODULE": "lunaportal.settings",
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-only-for-tests",
    "FIELD_ENCRYPTION_KEY": "bm90LWEtc2VjcmV0LW9ubHktZm9yLXRlc3RzLW9ubHk=",
    "PORTAL_URL": "http://localhost",
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "SERVE_STATIC_FROM_SOURCE": "true",
    "LOG_LEVEL": "WARNING",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", f"sqlite:///{SCRATCH.name}/db.sqlite3"),
}
django.setup()

from django.core.management import call_command  # noqa: E402  Django has to be set up first
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from emulator.client import Emulator  # noqa: E402
from gateway.models import Problem  # noqa: E402
from gateway.reconcile import LOST_AFTER  # noqa: E402
from organizations.models import Membership  # noqa: E402
from organizations.permissions import Role  # noqa: E402
from organizations.services import provide_member  # noqa: E402
from quotas import daily  # noqa: E402
from quotas import services as quotas  # noqa: E402
from quotas.models import TimeQuotaPolicy, Usage  # noqa: E402
from quotas.proof import prove  # noqa: E402
from tokens.models import QpuToken  # noqa: E402
from tokens.services import INLINE_NAME, upload_token  # noqa: E402

T = TypeVar("T")

GIVEN_BACK_SECONDS = LOST_AFTER.seconds  # how old a line without a trace at D-Wave becomes
ERROR = re.compile(r'^Traceback|^ERROR|"level": "error"')
DATABASE_AWAY = tuple(f"django.db.utils.{name}" for name in ("OperationalError", "InterfaceError", "InternalError"))
PYTHON = (sys.executable,)
TERMINAL = {"COMPLETED", "FAILED", "CANCELLED"}


# --- Processes --------------------------------------------------------------------------------------------------------


class Process:
    """A process that can be killed and started anew at any moment; its log goes on."""

    def __init__(self, name: str, *command: str, interpreter: tuple[str, ...] = PYTHON, **environment: str) -> None:
        self.name = name
        self.log = LOGS / f"{name}.log"
        self.log.write_text("")
        self.command = [*interpreter, *command]
        self.environment = os.environ | environment
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.running = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """Without a chance to do anything about it: kill -9."""
        self.running.kill()
        self.running.wait()

    def end(self) -> None:
        self.running.terminate()
        self.running.wait(60)

    @property
    def errors(self) -> list[str]:
        """What it has logged as going wrong, other than the loss of a database connection."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if ERROR.search(line) and not any(word in line for word in DATABASE_AWAY)]


class ForkServer:
    """The engine's process that a worker forks its children from; the worker starts another one."""

    name = "fork server"

    def __init__(self, worker: Process) -> None:
        self.worker = worker

    def kill(self) -> None:
        for child in Path(f"/proc/{self.worker.running.pid}/task").glob("*/children"):
            for pid in child.read_text().split():
                os.kill(int(pid), signal.SIGKILL)

    def start(self) -> None:
        """Nothing to do."""


class DatabaseConnections:
    """All connections to a PostgreSQL server but our own; they can be cut off as a process can be killed."""

    name = "database"
    CUT_OFF = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()"""

    def kill(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.CUT_OFF)

    def start(self) -> None:
        """Nothing to do: who needs a connection makes a new one."""


@dataclass
class Portal:
    """Two gateways that serve all the rest as well, a reconciler, workers, and the emulated D-Wave behind them."""

    addresses: list[str]
    processes: list[Process]
    workers: list[Process]
    dwave: Emulator

    @property
    def victims(self) -> list[Process | ForkServer | DatabaseConnections]:
        """What may die at any moment."""
        return [
            *self.processes,
            *map(ForkServer, self.workers),
            *([DatabaseConnections()] if connection.vendor == "postgresql" else []),
        ]


@contextmanager
def running(*, jitter: float, pace: float, seed: int, workers: int = 0) -> Iterator[Portal]:
    """A portal that is ready, with so many workers for solve jobs; every token is valid at D-Wave."""
    LOGS.mkdir(parents=True, exist_ok=True)
    dwave_port, *ports = (free_port() for _ in range(3))
    dwave = Emulator(f"http://127.0.0.1:{dwave_port}/sapi/v2/")
    options = {"port": dwave_port, "jitter": jitter, "pace": pace, "seed": seed}
    with ExitStack() as stack:

        def start(name: str, *command: str) -> Process:
            process = Process(name, *command, DWAVE_UPSTREAM_ENDPOINT=dwave.endpoint)
            stack.callback(process.end)
            return process

        start("emulator", "-m", "emulator", "--any-token", *(f"--{name}={value}" for name, value in options.items()))
        until(partial(answers, dwave.endpoint.replace("sapi/v2/", "control/settings")), seconds=60)
        serve = ["-m", "uvicorn", "lunaportal.asgi:application", "--no-proxy-headers", "--no-access-log"]
        processes = [start(f"web-{port}", *serve, "--timeout-keep-alive=75", f"--port={port}") for port in ports]
        processes.append(start("reconciler", "manage.py", "reconcile"))
        solving = [start(f"worker-{number}", "manage.py", "solve") for number in range(workers)]
        addresses = [f"http://127.0.0.1:{port}" for port in ports]
        for address in addresses:
            until(partial(answers, f"{address}/readyz"), seconds=60)
        yield Portal(addresses, [*processes, *solving], solving, dwave)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:  # not listening yet, or 503
        return False
    return True


def until(condition: Callable[[], T], *, seconds: float, pause: float = 0.1) -> T:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not (outcome := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(pause)
    return outcome


# --- People -----------------------------------------------------------------------------------------------------------


def prepare_database() -> None:
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)


def members(number: int) -> list[tuple[Membership, str]]:
    """The members of an organization, each with an API key; the first is its admin."""
    roles = [Role.ADMIN, *[Role.MEMBER] * (number - 1)]
    return [
        provide_member(organization="Crowd", email=f"user{i}@example.com", role=role, key_name="crowd")
        for i, role in enumerate(roles)
    ]


def group_token(name: str, by: Membership) -> QpuToken:
    return upload_token(scope="group", provider="dwave", name=fresh(name), secret=new_secret(), by=by)


def personal_token(name: str, by: Membership) -> QpuToken:
    return upload_token(scope="personal", provider="dwave", name=fresh(name), secret=new_secret(), by=by)


def fresh(name: str) -> str:
    """A name that nothing has yet, in a database that was used before."""
    return f"{name}-{secrets.token_hex(4)}"


def new_secret() -> str:
    return f"DEV-{secrets.token_hex(20)}"


def assign(token: QpuToken, member: Membership | None, quota_ns: int, by: Membership) -> TimeQuotaPolicy:
    return quotas.assign_quota(token=token, member=member, quota_ns=quota_ns, by=by, now=timezone.now())


# --- Books ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Books:
    """What a token, or several, have cost, problem by problem, in nanoseconds: by our ledger, and by D-Wave's."""

    name: str
    booked: list[tuple[str, int]]
    ran: list[tuple[str, int]]

    @property
    def booked_ns(self) -> int:
        return sum(cost for _, cost in self.booked)

    @property
    def ran_ns(self) -> int:
        return sum(cost for _, cost in self.ran)

    @property
    def agree(self) -> bool:
        """Whether each problem that ran is booked once, with what it cost, and nothing else is."""
        return sorted(self.booked) == sorted(self.ran)


def books(token: QpuToken, dwave: Emulator) -> Books:
    return books_of(token.name, [token], dwave)


def books_of(name: str, tokens: Iterable[QpuToken], dwave: Emulator) -> Books:
    """What several tokens together have cost."""
    ids = [token.pk for token in tokens]
    kept = [token.secret for token in QpuToken.objects.defer(None).filter(pk__in=ids)]
    return Books(name, booked(usage__token_id__in=ids), really_ran(kept, dwave))


def inline_books(secrets_of_jobs: Iterable[str], dwave: Emulator) -> Books:
    """What all tokens together have cost that came with solve jobs."""
    return Books(INLINE_NAME, booked(usage__token_name=INLINE_NAME), really_ran(secrets_of_jobs, dwave))


def booked(**lines: Any) -> list[tuple[str, int]]:
    settled = Problem.objects.filter(usage__status=Usage.Status.SETTLED, **lines)
    return list(settled.values_list("upstream_id", "usage__access_time_ns"))


def really_ran(secrets_of_tokens: Iterable[str], dwave: Emulator) -> list[tuple[str, int]]:
    entries = chain.from_iterable(dwave.ledger(secret)["entries"] for secret in secrets_of_tokens)
    return [(entry["problem_id"], entry["deducted_ns"]) for entry in entries]


def all_ended(dwave: Emulator) -> bool:
    """Whether D-Wave has nothing left to do."""
    return all(problem["status"] in TERMINAL for problem in dwave.problems())


def open_lines(tokens: list[QpuToken] | None = None) -> int:
    """Lines of these tokens, or of all, that are neither settled nor given back."""
    lines = Usage.objects.open()
    return (lines if tokens is None else lines.filter(token_id__in=[token.pk for token in tokens])).count()


def complaints(books: list[Books], portal: Portal) -> list[str]:
    """What must not be, whatever happened: books that differ, counters that nothing proves, errors in logs."""
    return [
        *(f"{each.name}: what is booked is not what ran" for each in books if not each.agree),
        *map(str, prove()[1]),
        *map(str, daily.prove()[1]),
        *(f"{process.name}: {error}" for process in portal.processes for error in process.errors),
    ]


def table_of(books: list[Books]) -> str:
    lines = [f"{'token':<16}{'jobs run':>8}{'booked ns':>16}{'really run ns':>16}"]
    lines += [f"{each.name:<16}{len(each.ran):>8}{each.booked_ns:>16}{each.ran_ns:>16}" for each in books]
    return "\n".join(lines)


def verdict(complaints: list[str]) -> int:
    """Say how it went; the exit code."""
    print(
        "\n".join(
            ["", *(each[:300] for each in complaints), f"NOT TRUE. Logs are in {LOGS}."]
            if complaints
            else ["", "All is true."]
        )
    )
    return bool(complaints)
