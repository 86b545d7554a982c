"""How somebody goes: their account is closed at once, and what tells who they were is erased soon after.

In between their jobs may end. Only when no line of the ledger is open any more, and no request can be under way that
began before the account was closed, are the names taken out; so none is written once more afterwards.
"""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from accounts.models import User
from audit import log
from audit.models import Event
from gateway.models import Problem, Upload
from organizations.errors import Conflict
from organizations.models import Invitation, Membership, Organization
from organizations.permissions import Role
from organizations.services import remove_member
from quotas.models import Usage
from quotas.pseudonyms import pseudonym_of, pseudonymize

REQUESTS_TAKE_AT_MOST = timedelta(hours=1)


def organizations_to_hand_over(user: User) -> list[Organization]:
    """Those that would be left without an admin (one query)."""
    other_admins = Membership.objects.filter(organization=OuterRef("pk"), role=Role.ADMIN).exclude(user=user)
    administered = Organization.objects.filter(memberships__user=user, memberships__role=Role.ADMIN, closed_at=None)
    return list(administered.filter(~Exists(other_admins)).order_by("name", "pk"))


@transaction.atomic
def close_account(*, user: User, by: User | None, now: datetime) -> None:
    """Let somebody go: memberships, keys, quotas, models and solve jobs at once, the rest when their jobs have ended.

    `by` is None for the command line. Who is the last admin of an organization has to hand it over, or close it, first.
    """
    if needing := organizations_to_hand_over(user):
        sentence = gettext("Make somebody else an admin first, or delete the organization: %(names)s.")
        raise Conflict(sentence % {"names": ", ".join(map(str, needing))}, code="last_admin")
    for membership in user.memberships.filter(organization__closed_at=None).order_by("organization_id"):
        remove_member(membership=membership, by=membership)
    end_sessions(user)
    user.is_active, user.closed_at = False, now
    user.save(update_fields=["is_active", "closed_at"])
    log.record(Event.Action.ACCOUNT_CLOSED, by=by, target=user)


def end_sessions(user: User) -> None:
    sessions = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=sessions.values("session_key")).delete()
    sessions.delete()


def to_be_erased(now: datetime) -> QuerySet[User]:
    """Whose account was closed, is closed still, and has no job that is open."""
    open_jobs = Usage.objects.open().filter(user_id=OuterRef("pk"))
    closed = User.objects.filter(is_active=False, closed_at__lte=now - REQUESTS_TAKE_AT_MOST)
    return closed.filter(~Exists(open_jobs)).order_by("pk")


def erase_closed_accounts(now: datetime) -> int:
    """Erase everybody who can be erased by now, and say how many."""
    return sum(erase_account(pk, now) for pk in to_be_erased(now).values_list("pk", flat=True))


@transaction.atomic
def erase_account(pk: int, now: datetime) -> bool:
    """Delete what is theirs, and take their names out of what stays for others. False if they are not to be erased."""
    user = to_be_erased(now).select_for_update().filter(pk=pk).first()
    if user is None:
        return False
    pseudonymize(user_id=user.pk)
    Problem.objects.filter(usage__user_id=user.pk).update(label="")
    Upload.objects.filter(user_id=user.pk).delete()
    Invitation.objects.filter(email=user.email).delete()
    Invitation.objects.filter(invited_by=user.email).update(invited_by=pseudonym_of(user.pk))
    end_sessions(user)
    user.email = pseudonym_of(user.pk)  # not saved: it is what the audit log says
    log.record(Event.Action.ACCOUNT_ERASED, by=None, target=user)
    user.delete()
    return True
