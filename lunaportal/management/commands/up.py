"""Runs the whole portal from one checkout, for development and for trying it out."""

import http.client
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, CommandParser, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from gunicorn.app.wsgiapp import WSGIApplication

from lunaportal import demo
from lunaportal.demo import Login
from lunaportal.startup import disconnect, refuse_wrong_key
from lunaportal.supervisor import Supervisor

NICE = 10  # what takes seconds to start lets the web process be ready first


class Command(BaseCommand):
    help = "Prepare the database and run web and worker, until Ctrl-C."
    requires_system_checks = []  # they are for deployments and tests; here they would double the time to start

    START_SECONDS = 60

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", default=os.environ.get("PORT", "8000"), type=int)
        parser.add_argument("--emulator", type=int, metavar="PORT", help="Run a local D-Wave on this port as well.")
        parser.add_argument("--no-demo", action="store_false", dest="with_demo", help="Leave an empty database empty.")

    def handle(self, *, host: str, port: int, emulator: int | None, with_demo: bool, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: shells have it ignored in the background
            signal.signal(number, signal.default_int_handler)
        try:
            self.run(listen(host, port), emulator, with_demo)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def run(self, listener: socket.socket, emulator: int | None, with_demo: bool) -> None:
        address = listener.getsockname()[:2]
        self.prepare_database()
        logins = demo_logins() if with_demo else []
        disconnect()
        processes: dict[str, Callable[[], object]] = {
            "web": partial(serve, listener),
            "worker": partial(work, listener, "qcluster"),
            "reconciler": partial(work, listener, "reconcile"),
            "solver": partial(work, listener, "solve"),
        }
        if emulator is not None:
            processes["emulator"] = partial(emulate, listener, emulator)
        with Supervisor(processes) as supervisor:
            listener.close()
            self.wait_until_ready(supervisor, *address)
            self.welcome(logins)
            name = supervisor.wait()
        raise CommandError(f"The {name} process has ended, so everything has.")

    def prepare_database(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Preparing the database ...")
            call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        try:
            refuse_wrong_key()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def welcome(self, logins: list[Login]) -> None:
        lines = ["", f"Luna Portal is ready: {settings.PORTAL_URL} (Ctrl-C ends it)"]
        lines += [f"  {login.role:<8} {login.email}   password {login.password}" for login in logins]
        lines += [f"  API key  {login.api_key} ({login.email})" for login in logins[:1]]
        self.stdout.write("\n".join([*lines, "", ""]))

    def wait_until_ready(self, supervisor: Supervisor, host: str, port: int) -> None:
        deadline = time.monotonic() + self.START_SECONDS
        while obstacle := what_is_missing(host, port):
            if name := supervisor.wait(0.05):
                raise CommandError(f"The {name} process did not start.")
            if time.monotonic() > deadline:
                raise CommandError(f"The portal did not become ready: {obstacle}.")


def demo_logins() -> list[Login]:
    """How to come in as the people of the demo, which an empty database is filled with; nothing if there is no demo."""
    if loaded := demo.load():
        loaded.save()
    known = loaded or demo.Demo.saved()
    return known.logins if known else []


def listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CommandError(
            f"Cannot serve on {host}, port {port}: {os.strerror(error.errno or 0)}. Elsewhere: PORT=8123 ./dev up"
        ) from None


def serve(listener: socket.socket) -> None:
    """Serve pages, APIs and the gateway from one process on one port. In production the gateway has its own."""
    config = settings.BASE_DIR / "gunicorn.conf.py"
    as_asgi = ["--worker-class", "asgi", "--workers", "1", "--threads", "1"]
    sys.argv = ["gunicorn", "--config", str(config), "--bind", f"fd://{listener.fileno()}", *as_asgi, "lunaportal.asgi"]
    WSGIApplication("", prog="gunicorn").run()


def work(listener: socket.socket, command: str) -> None:
    listener.close()
    os.nice(NICE)
    call_command(command)


def emulate(listener: socket.socket, port: int) -> None:
    listener.close()
    os.nice(NICE)
    sys.argv = ["emulator", "--port", str(port), "--any-token"]
    runpy.run_module("emulator", run_name="__main__")


def what_is_missing(host: str, port: int) -> str:
    """What keeps the portal from being ready; empty if nothing does."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": urlsplit(settings.PORTAL_URL).netloc})
        answer = connection.getresponse()
    except OSError as error:
        return str(error)
    finally:
        connection.close()
    return "" if answer.status == 200 else f"/readyz answers {answer.status}, the log says why"
