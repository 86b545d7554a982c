"""Deletes what nobody needs any more. The worker does so once a day, `manage.py tidy` at once."""

from datetime import datetime, timedelta

import structlog
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_q.models import Failure

from gateway.models import Upload
from monitoring.models import Heartbeat, beat
from organizations.closing import delete_closed_organizations
from organizations.models import ApiKey, Invitation
from privacy.erasure import erase_closed_accounts

INVITATIONS_KEPT = timedelta(days=30)  # after their end
KEYS_KEPT = timedelta(days=90)
FAILURES_KEPT = timedelta(days=30)
UPLOADS_KEPT = timedelta(days=30)  # from when they were begun; later problems cannot refer to them any more
BATCH = 1000  # rows that go at once, so that nothing waits for long

log = structlog.get_logger(__name__)


def tidy_now() -> dict[str, int]:
    """The worker's task."""
    return tidy(timezone.now())


def tidy(now: datetime) -> dict[str, int]:
    """Delete what has ended long ago; by kind, how much there was. The audit log keeps that it existed."""
    deleted = {kind: delete(rows) for kind, rows in what_has_ended(now).items()}
    deleted["accounts"] = erase_closed_accounts(now)
    deleted["organizations"] = delete_closed_organizations(now)
    beat(Heartbeat.Process.TIDY, now)
    log.info("tidied", deleted=deleted)
    return deleted


def what_has_ended(now: datetime) -> dict[str, QuerySet]:
    """In the order in which it is deleted."""
    long_ago = now - KEYS_KEPT
    return {
        "sessions": Session.objects.filter(expire_date__lt=now),
        "sessions of people": UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")),
        "invitations": Invitation.objects.filter(expires_at__lt=now - INVITATIONS_KEPT),
        "API keys": ApiKey.objects.filter(Q(expires_at__lt=long_ago) | Q(revoked_at__lt=long_ago)),
        "uploads": Upload.objects.filter(created_at__lt=now - UPLOADS_KEPT),
        "failed tasks": Failure.objects.filter(stopped__lt=now - FAILURES_KEPT),
    }


def delete(rows: QuerySet) -> int:
    count = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        count += rows.filter(pk__in=batch).delete()[0]
    return count
