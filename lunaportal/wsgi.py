"""WSGI entry point of the web processes: `gunicorn lunaportal.wsgi` (gunicorn.conf.py has the rest)."""

import os

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lunaportal.settings")

application = get_wsgi_application()


def refuse_wrong_key() -> None:
    """Serve nothing if FIELD_ENCRYPTION_KEY does not fit the database; one that cannot be asked yet only warns."""
    from encryption.checks import check_canary

    try:
        errors = check_canary(databases=["default"])
    except DatabaseError:
        structlog.get_logger(__name__).warning("database_not_reachable", hint="/readyz tells when it is.")
        return
    finally:
        disconnect()
    if errors:
        raise ImproperlyConfigured(errors[0].msg)


def disconnect() -> None:
    """Leave no connection and no pool behind: gunicorn forks its workers from this process."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]


refuse_wrong_key()
