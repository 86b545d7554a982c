"""What a process does before it serves."""

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from encryption.checks import check_canary

log = structlog.get_logger(__name__)


def refuse_wrong_key() -> None:
    """Serve nothing if FIELD_ENCRYPTION_KEY does not fit the database; one that cannot be asked yet only warns."""
    try:
        errors = check_canary(databases=["default"])
    except DatabaseError as error:
        log.warning("database_not_reachable", error=type(error).__name__, hint="/readyz tells when it is.")
        return
    finally:
        disconnect()
    if errors:
        raise ImproperlyConfigured(errors[0].msg)


def disconnect() -> None:
    """Leave no connection and no pool to processes that are forked from this one."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]
