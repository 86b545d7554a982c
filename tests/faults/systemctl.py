"""python -m tests.faults.systemctl restart UNIT: does with deploy/systemd what systemd would, where none is running.

So the lines of the unit files run as they are written, under this user and without their sandbox. PORTAL_RELEASE is
what stands for /opt/luna-portal/current, PORTAL_UNITS is a folder for logs and process ids.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

UNITS = Path(__file__).parent.parent.parent / "deploy/systemd"
INSTALLED = "/opt/luna-portal/current"


class Unit:
    """One service, such as luna-portal-web@8001.service."""

    def __init__(self, name: str, **environment: str) -> None:
        self.name = name.removesuffix(".service")
        template, at, self.instance = self.name.partition("@")
        self.settings: dict[str, list[str]] = defaultdict(list)
        self.read(UNITS / f"{template}{at}.service")
        for drop_in in sorted((UNITS / "luna-portal-.service.d").glob("*.conf")):
            self.read(drop_in)
        self.extra = environment
        state = Path(os.environ["PORTAL_UNITS"])
        self.log, self.pid_file = state / f"{self.name}.log", state / f"{self.name}.pid"

    def read(self, file: Path) -> None:
        for line in file.read_text().splitlines():
            name, found, value = line.partition("=")
            if found and not line.startswith("#"):
                self.settings[name].append(self.expanded(value))

    def expanded(self, value: str) -> str:
        return value.replace("%i", self.instance).replace(INSTALLED, os.environ["PORTAL_RELEASE"])

    @property
    def environment(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for line in self.settings["Environment"] for entry in shlex.split(line))

    def start(self) -> None:
        with self.log.open("a") as log:
            process = subprocess.Popen(
                shlex.split(self.settings["ExecStart"][-1]),
                cwd=self.settings["WorkingDirectory"][-1],
                env=os.environ | self.environment | self.extra,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(str(process.pid))

    def stop(self) -> None:
        """KillMode=mixed: the first process is asked to end, and what is left then is killed."""
        if self.is_running:
            os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + int(self.settings["TimeoutStopSec"][-1])
            while self.is_running and time.monotonic() < deadline:
                time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """All of its processes, without a chance to do anything about it."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        while self.is_running:
            time.sleep(0.01)

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text())

    @property
    def is_running(self) -> bool:
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False


if __name__ == "__main__":
    command, *names = sys.argv[1:]
    for name in names:
        getattr(Unit(name), command)()
