"""What deploy/ says of the portal is true of the portal. That it works is for tests/faults/nodes.py to prove."""

import re
import shlex
import sqlite3
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from tests.faults.systemctl import UNITS, Unit

DEPLOY = UNITS.parent
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())


@pytest.fixture
def unit(monkeypatch, tmp_path):
    """unit(name): a service of deploy/systemd, as if this checkout were what is installed."""
    monkeypatch.setenv("PORTAL_RELEASE", str(settings.BASE_DIR))
    monkeypatch.setenv("PORTAL_UNITS", str(tmp_path))
    return lambda name: Unit(name.replace("@.", "@8001."))


def assert_runs(command):
    """Whether a line starts something that is there, with an application or a command of manage.py that there is."""
    program, *arguments = command
    if program.endswith("python"):
        assert (arguments[0], arguments[1] in get_commands()) == ("manage.py", True)
    elif program.endswith("gunicorn"):
        assert arguments[-1:] in ([], ["lunaportal.asgi:application"])
    else:
        assert Path(program).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_starts_what_is_there(unit, name):
    service = unit(name)

    (line,) = service.settings["ExecStart"]
    assert_runs(shlex.split(line))
    assert service.settings["WorkingDirectory"] == [str(settings.BASE_DIR)]
    assert service.settings["User"] == ["luna-portal"]


@pytest.mark.parametrize("name", [name for name in SERVICES if "Type=oneshot" not in (UNITS / name).read_text()])
def test_what_serves_is_started_again_and_has_time_to_end(unit, name):
    service = unit(name)

    assert service.settings["Restart"] == ["always"]
    assert int(service.settings["TimeoutStopSec"][0]) >= 60


@pytest.mark.parametrize("name", ["web", "gateway", "solver", "reconciler", "worker"])
def test_containers_run_what_the_units_run(unit, name):
    service = unit(next(each for each in SERVICES if f"luna-portal-{name}" in each))
    command = COMPOSE["services"][name].get("command", ["gunicorn"])
    command = shlex.split(command) if isinstance(command, str) else command

    assert_runs(command)
    assert command[1:] == shlex.split(service.settings["ExecStart"][0])[1:]


@pytest.mark.parametrize("script", ["backup", "release", "roll"])
def test_scripts_can_be_read_and_run(script):
    path = DEPLOY / script

    assert path.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", path], check=True)


def test_roll_finds_all_processes_of_nginx():
    pattern = re.search(r"sed -n '(s/.*?/p)'", (DEPLOY / "roll").read_text())[1]

    found = subprocess.run(
        ["sed", "-n", pattern, DEPLOY / "luna-portal-upstreams.conf"], check=True, stdout=subprocess.PIPE, text=True
    )

    assert found.stdout.split() == [
        *("127.0.0.1:8001", "web", "127.0.0.1:8002", "web"),
        *("127.0.0.1:8011", "gateway", "127.0.0.1:8012", "gateway"),
    ]


def test_a_copy_of_sqlite_is_whole(tmp_path):
    with sqlite3.connect(tmp_path / "live.sqlite3") as live:
        live.execute("CREATE TABLE numbers (number)")
        live.execute("INSERT INTO numbers VALUES (1)")
    url = f"sqlite:///{tmp_path}/live.sqlite3"

    made = subprocess.run(
        [DEPLOY / "backup", tmp_path], check=True, stdout=subprocess.PIPE, text=True, env={"DATABASE_URL": url}
    )

    with sqlite3.connect(made.stdout.strip()) as copy:
        assert copy.execute("SELECT number FROM numbers").fetchall() == [(1,)]


def test_the_document_tells_of_every_file():
    text = (settings.BASE_DIR / "docs/deploy.md").read_text()

    for path in DEPLOY.iterdir():
        assert path.name in text, path.name
