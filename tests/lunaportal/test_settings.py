import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import wire

ROOT = Path(__file__).parent.parent.parent

PRODUCTION = {
    "PATH": os.environ["PATH"],
    "SECRET_KEY": "canary-0123456789abcdefghijklmnopqrstuvwxyz-0123456789abcdefghijklmnopqrstuvwxyz",
    "FIELD_ENCRYPTION_KEY": "canarycanarycanarycanarycanarycanarycanaryA=",
    "PORTAL_URL": "https://qpu.example.com",
    "DATABASE_URL": "postgres://portal:canary@db.example.com/portal",
    "EMAIL_URL": "smtp://portal:canary@mail.example.com:587/?tls=True",
    "LOG_LEVEL": "WARNING",
}

LARGEST_BODY = wire.MAX_BODY_BYTES + wire.MAX_VALUES * wire.VALUE_BYTES  # that the gateway takes, parsed


def run(code, *arguments, **changes):
    """Run Python code in production's environment, with these changes; None takes a setting away."""
    environment = {name: value for name, value in (PRODUCTION | changes).items() if value is not None}
    # As in a folder without .env and var/dev.env.
    code = f"import environs; environs.Env.read_env = lambda *args, **kwargs: None; {code}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def manage(*arguments, **changes):
    return run("import manage; manage.main()", *arguments, **changes)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", None, "SECRET_KEY is not set"),
        ("SECRET_KEY", " ", "SECRET_KEY is not set"),
        ("FIELD_ENCRYPTION_KEY", None, "FIELD_ENCRYPTION_KEY is not set"),
        ("FIELD_ENCRYPTION_KEY", "too-short-a-canary", "FIELD_ENCRYPTION_KEY: key 1 of 1 is not"),
        (
            "FIELD_ENCRYPTION_KEY",
            "canarycanarycanarycanarycanarycanarycanaryA=,canary",
            "FIELD_ENCRYPTION_KEY: key 2 of 2 is not",
        ),
        ("PORTAL_URL", None, "PORTAL_URL is not set"),
        ("PORTAL_URL", "qpu.example.com", "PORTAL_URL must look like"),
        ("PORTAL_URL", "http://qpu.example.com", "PORTAL_URL is not https"),
        ("DEBUG", "flase", "DEBUG"),
        ("DEBUG", "true", "DEBUG shows secrets"),
        ("SIGNUP", "closed", "SIGNUP must be"),
        ("DEFAULT_PLAN", "gold", "DEFAULT_PLAN must be"),
        ("QUOTA_DEFAULT_DAYS", "0", "QUOTA_DEFAULT_DAYS"),
        ("DWAVE_UPSTREAM_ENDPOINT", "cloud.dwavesys.com", "DWAVE_UPSTREAM_ENDPOINT must look like"),
        ("DWAVE_ENDPOINT_HOSTS", "cloud.dwavesys.com,*", "DWAVE_ENDPOINT_HOSTS: entry 2"),
        ("GATEWAY_BODIES_MB", str((2 * LARGEST_BODY - 1) // 2**20), "GATEWAY_BODIES_MB"),  # too little for half of it
        ("INVITATION_DAYS", "a week", "INVITATION_DAYS"),
        ("REQUIRE_STAFF_MFA", "maybe", "REQUIRE_STAFF_MFA"),
        ("DATABASE_URL", "nonsense://canary@host", "DATABASE_URL"),
        ("DATABASE_POOL_SIZE", "many", "DATABASE_POOL_SIZE"),
        ("CACHE_URL", "nonsense://canary@host", "CACHE_URL"),
        ("EMAIL_URL", "nonsense://canary@host", "EMAIL_URL"),
        ("EMAIL_URL", None, "EMAIL_URL is not set"),
        ("OIDC_PROVIDERS", '[{"secret": "canary"', "OIDC_PROVIDERS"),
        ("SAML_PROVIDERS", '[{"secret": "canary"', "SAML_PROVIDERS"),
        ("TRUSTED_PROXY_COUNT", "-1", "TRUSTED_PROXY_COUNT"),
        ("METRICS_TOKEN", "short-canary", "METRICS_TOKEN must have 16"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL"),
    ],
)
def test_a_bad_value_stops_the_start_with_its_name_and_no_secret(name, value, words):
    finished = run("import lunaportal.settings", **{name: value})

    last_line = finished.stderr.splitlines()[-1]
    assert finished.returncode == 1
    assert words in last_line
    assert "canary" not in finished.stderr


def test_production_passes_all_checks_of_a_deployment():
    finished = manage("check", "--deploy", "--fail-level", "WARNING")

    assert finished.returncode == 0, finished.stderr
    assert "no issues" in finished.stdout


def test_no_migration_is_missing():
    finished = manage("makemigrations", "--check", "--dry-run", DATABASE_URL="sqlite://:memory:")

    assert finished.returncode == 0, finished.stdout


# --- Every setting is described ---------------------------------------------------------------------------------------


def names_read_by(*files):
    """The names that `env.…("NAME")` and `required("NAME")` ask for."""
    return {
        node.args[0].value
        for file in files
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if re.match(r"env\.|required$|os\.environ\.get$", ast.unparse(node.func))
    }


def names_in(file, pattern):
    return re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "pattern"), [("docs/settings.md", r"^\| `([A-Z_]+)` \|"), (".env.example", r"^(?:# )?([A-Z_]+)=")]
)
def test_every_setting_is_described_once(file, pattern):
    described = names_in(file, pattern)

    assert set(described) == names_read_by("lunaportal/settings.py", "gunicorn.conf.py")
    assert len(described) == len(set(described))


def test_a_silent_redis_does_not_hold_requests_for_ever():
    answer = run(
        "from lunaportal.settings import CACHES; print(CACHES['default']['OPTIONS'])", CACHE_URL="redis://r:1/0"
    )

    assert answer.stdout.strip() == "{'socket_connect_timeout': 2, 'socket_timeout': 2}"


@pytest.mark.parametrize(("value", "told"), [("true", "True None"), ("false", "False 5")])
def test_no_cursor_or_plan_outlives_a_transaction_that_pgbouncer_pools(value, told):
    code = (
        "from lunaportal.settings import DATABASES; default = DATABASES['default'];"
        "print(default['DISABLE_SERVER_SIDE_CURSORS'], default['OPTIONS']['prepare_threshold'])"
    )

    assert run(code, DATABASE_TRANSACTION_POOLING=value).stdout.strip() == told
