"""The portal's own settings, in the environment of a test run."""

import os
import tempfile
from pathlib import Path

os.environ |= {
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-only-for-tests",
    "FIELD_ENCRYPTION_KEY": "bm90LWEtc2VjcmV0LW9ubHktZm9yLXRlc3RzLW9ubHk=",
    "PORTAL_URL": "http://localhost",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "EMAIL_URL": "console://",
    "SIGNUP": "open",
    "SERVE_STATIC_FROM_SOURCE": "true",
    "DWAVE_UPSTREAM_ENDPOINT": "http://127.0.0.1:9/sapi/v2/",  # where nothing listens
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "WARNING",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", "sqlite:///:memory:"),
}

from lunaportal.settings import *  # noqa: F403
from lunaportal.settings import DATABASES, Q_CLUSTER

# Threads of one test need a database that they share for real: a file, not SQLite's memory.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    scratch = tempfile.TemporaryDirectory(prefix="lunaportal-tests-")
    DATABASES["default"]["TEST"] = {"NAME": Path(scratch.name) / "test.sqlite3"}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # argon2 is slow on purpose
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
Q_CLUSTER["sync"] = True
