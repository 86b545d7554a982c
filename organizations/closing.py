"""How an organization ends: closed at once, deleted a week later, and open again with one click in between.

While it is closed nobody gets in, neither people nor programs, so no job begins any more. Jobs that are at D-Wave end
as they would, and are booked: tokens, policies and members are all there still. So nothing is left to wait for, and
hardly anything to collide with, when all of it is deleted.
"""

from datetime import datetime

import structlog
from django.db import DatabaseError, transaction
from django.utils.translation import gettext
from django_q.tasks import async_task

from accounts.models import User
from audit import log
from audit.models import Event

from .errors import Conflict
from .models import Membership, Organization

logger = structlog.get_logger(__name__)


@transaction.atomic
def close_organization(*, organization: Organization, by: Membership | User, now: datetime) -> None:
    """Let nobody in any more, and tell the admins; `by` is one of them or, in the operators' admin, an operator."""
    if not Organization.objects.filter(pk=organization.pk, closed_at=None).update(closed_at=now):
        raise Conflict(gettext("This organization is closed already."), code="closed")
    log.record(Event.Action.ORGANIZATION_CLOSED, by=by, target=organization, organization=organization)
    transaction.on_commit(lambda: async_task("organizations.mails.send_closed", organization.pk))


@transaction.atomic
def reopen_organization(*, organization: Organization, by: Membership | User) -> None:
    """Let everybody in again, with all that they had."""
    if not Organization.objects.filter(pk=organization.pk, closed_at__isnull=False).update(closed_at=None):
        raise Conflict(gettext("This organization is open already."), code="open")
    log.record(Event.Action.ORGANIZATION_REOPENED, by=by, target=organization, organization=organization)


def delete_closed_organizations(now: datetime) -> int:
    """Delete for good what was closed a week ago, and say how many. What fails is tried again next time."""
    due = Organization.objects.to_be_deleted(now)
    return sum(delete_organization(pk, now) for pk in due.values_list("pk", flat=True))


def delete_organization(pk: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            organization = Organization.objects.to_be_deleted(now).select_for_update().filter(pk=pk).first()
            if organization is None:  # reopened meanwhile
                return False
            log.record(Event.Action.ORGANIZATION_DELETED, by=None, target=organization, organization=organization)
            organization.delete()
    except DatabaseError:  # such as a deadlock with a job that is being settled; either of the two comes again
        logger.exception("organization_not_deleted", organization_id=pk)
        return False
    return True
