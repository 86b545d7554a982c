"""What happens in organizations: each function is one use-case, whole or not at all, with its line in the audit log."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import get_language, gettext
from django_q.tasks import async_task

from accounts.mfa import has_second_factor
from accounts.models import User, normalize_email
from audit import log
from audit.models import Event

from .errors import Conflict
from .models import ApiKey, Invitation, Membership, Organization, digest_key
from .permissions import Role, Scope

# --- Organizations ----------------------------------------------------------------------------------------------------


def slugs_for(name: str) -> Iterator[str]:
    base = slugify(name)[:50] or "organization"
    yield base
    while True:
        yield f"{base}-{get_random_string(6, 'abcdefghijkmnpqrstuvwxyz23456789')}"


def add_organization(name: str, plan: str) -> Organization:
    """Save a new organization under the first address that is free."""
    for slug in slugs_for(name):
        organization = Organization(name=name.strip(), slug=slug, plan=plan)
        organization.full_clean(validate_unique=False)
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
        except IntegrityError:
            continue
        return organization
    raise AssertionError("slugs_for never ends")


@transaction.atomic
def create_organization(*, name: str, by: User, plan: str | None = None) -> Membership:
    """Found an organization; its founder is its first admin."""
    organization = add_organization(name, plan or settings.DEFAULT_PLAN)
    membership = Membership.objects.create(user=by, organization=organization, role=Role.ADMIN)
    log.record(Event.Action.ORGANIZATION_CREATED, by=membership, target=organization, plan=organization.plan)
    return membership


class Settings(TypedDict, total=False):
    """What admins may change of their organization."""

    name: str
    default_quota_days: int | None
    requires_second_factor: bool
    email_domains: Sequence[str]


@transaction.atomic
def change_organization(*, by: Membership, **wishes: Unpack[Settings]) -> Organization:
    """Change its name, its sign-in rules, or how long its quotas last; what is not named stays.

    Members whose address is at none of `email_domains` stay; who asks for a second factor must have one.
    """
    organization = by.organization
    wanted = cleaned(wishes)
    former = {name: getattr(organization, name) for name in wanted}
    for name, value in wanted.items():
        setattr(organization, name, value)
    organization.full_clean(validate_unique=False)
    if wanted.get("requires_second_factor") and not has_second_factor(by.user):
        raise ValidationError({"requires_second_factor": gettext("Set up a second factor for yourself first.")})
    changed = [name for name in wanted if wanted[name] != former[name]]
    if changed:
        organization.save(update_fields=changed)
        details = {f"former_{name}": former[name] for name in changed} | {name: wanted[name] for name in changed}
        log.record(Event.Action.ORGANIZATION_CHANGED, by=by, target=organization, **in_words(details))
    return organization


def cleaned(wishes: Settings) -> dict[str, Any]:
    """The wishes as they are stored."""
    wanted: dict[str, Any] = dict(wishes)
    if "name" in wanted:
        wanted["name"] = wanted["name"].strip()
    if "email_domains" in wanted:
        wanted["email_domains"] = sorted({domain.strip().lower().lstrip("@") for domain in wanted["email_domains"]})
    return wanted


def in_words(details: dict[str, Any]) -> dict[str, Any]:
    """The details as the audit log takes them."""
    return {name: " ".join(value) if isinstance(value, list) else value for name, value in details.items()}


# --- Members ----------------------------------------------------------------------------------------------------------


def lock_members(organization: Organization) -> None:
    """Let members change one after the other, so that two admins cannot both be the last to go."""
    # Not the key: rows that refer to the organization, such as new solve jobs, need not wait.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def lock_member(membership: Membership) -> None:
    """Take the member as they are now, and let nobody change them until the transaction ends."""
    lock_members(membership.organization)
    try:
        membership.refresh_from_db(fields=["role"])
    except Membership.DoesNotExist:
        raise Conflict(gettext("Somebody has removed this member already."), code="gone") from None


def keep_member(membership: Membership) -> None:
    """Have the member stay until the transaction ends; who was removed before that is refused.

    For rows that hang on the membership. Takes the lock of the user, so it comes before all other locks.
    """
    User.objects.lock(membership.user_id)
    if not Membership.objects.filter(pk=membership.pk).exists():
        sentence = gettext("You are no longer a member of %(organization)s.")
        raise PermissionDenied(sentence % {"organization": membership.organization})


def is_last_admin(membership: Membership) -> bool:
    admins = membership.organization.memberships.filter(role=Role.ADMIN)
    return membership.is_admin and not admins.exclude(pk=membership.pk).exists()


def keep_an_admin(membership: Membership) -> None:
    """Refuse to lose the last admin."""
    if is_last_admin(membership):
        raise Conflict(gettext("This is the last admin. Make somebody else an admin first."), code="last_admin")


@transaction.atomic
def provide_member(
    *, organization: str = "", slug: str = "", email: str, role: str, key_name: str
) -> tuple[Membership, str]:
    """For operators: make what is missing of organization, user and membership, set the role, issue a key.

    The organization is given by its name, or by its slug if it is there already. The operator vouches for the email
    address: it counts as verified.
    """
    user = User.objects.filter(email=normalize_email(email)).first() or User.objects.create_user(email)
    if not user.is_active:
        raise ValidationError(gettext("This account is deactivated. Activate it in the operators' admin first."))
    if not has_confirmed_email(user):  # whoever chose the password has not shown that the address is theirs
        user.set_unusable_password()
        user.save(update_fields=["password"])
    user.trust_email()
    membership = join(user, find_organization(slug) if slug else find_or_add_organization(organization), role)
    if membership.role != role:
        change_role(membership=membership, role=role, by=None)
    key, raw_key = make_key(membership, name=key_name)
    record_issued(key, by=None)
    return membership, raw_key


def has_confirmed_email(user: User) -> bool:
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


def find_organization(slug: str) -> Organization:
    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        raise ValidationError(gettext("There is no organization at this address."))
    return unless_closed(organization)


def unless_closed(organization: Organization) -> Organization:
    if organization.is_closed:
        raise ValidationError(gettext("This organization is closed. Reopen it in the operators' admin first."))
    return organization


def find_or_add_organization(name: str) -> Organization:
    """The organization of this name that operators have made, or a new one.

    Never one that a member has founded: where anybody may sign up, anybody may have taken the name.
    """
    namesakes = Organization.objects.filter(name=name.strip()).order_by("pk")
    foreign = namesakes.filter(pk__in=founded_by_members(namesakes))
    found = namesakes.exclude(pk__in=foreign)
    if len(found) > 1:
        raise ValidationError(gettext("There are several organizations of this name. Choose one by --slug."))
    if found:
        return unless_closed(found[0])
    if foreign:
        sentence = gettext(
            "Members have founded an organization of this name: %(organizations)s. "
            "If that is the right one, choose it by --slug; if not, take another name."
        )
        raise ValidationError(sentence % {"organizations": "; ".join(map(slug_and_admins, foreign))})
    organization = add_organization(name, settings.DEFAULT_PLAN)
    log.record(Event.Action.ORGANIZATION_CREATED, by=None, target=organization, organization=organization)
    return organization


def founded_by_members(organizations: QuerySet[Organization]) -> QuerySet[Event, int | None]:
    """The ids of those of which the audit log names a founder who is no operator."""
    operators = User.objects.filter(is_staff=True)
    creations = Event.objects.with_action(Event.Action.ORGANIZATION_CREATED)
    by_people = creations.filter(organization_id__in=organizations.values("pk"), actor_id__isnull=False)
    return by_people.exclude(actor_id__in=operators.values("pk")).values_list("organization_id", flat=True)


def slug_and_admins(organization: Organization) -> str:
    admins = organization.memberships.filter(role=Role.ADMIN).order_by("pk").values_list("user__email", flat=True)
    return f"{organization.slug} ({', '.join(admins)})"


def join(user: User, organization: Organization, role: str) -> Membership:
    membership, added = Membership.objects.get_or_create(user=user, organization=organization, defaults={"role": role})
    if added:
        log.record(
            Event.Action.MEMBER_ADDED, by=None, target=membership, organization=organization, role=membership.role
        )
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str, by: Membership | None) -> Membership:
    """Make a member an admin, or an admin a member; the last admin stays one. `by` is None for the operator."""
    if role not in Role.values:
        raise ValidationError({"role": gettext("Choose admin or member.")})
    lock_member(membership)
    if role == membership.role:
        return membership
    if role == Role.MEMBER:
        keep_an_admin(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    log.record(Event.Action.ROLE_CHANGED, by=by, target=membership, organization=membership.organization, role=role)
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, by: Membership) -> None:
    """Take somebody out, or let them leave: their keys and quotas go at once, what they have used stays on record."""
    User.objects.lock(membership.user_id)  # no job of theirs is halfway booked then
    lock_member(membership)
    keep_an_admin(membership)
    log.record(Event.Action.MEMBER_REMOVED, by=by, target=membership)
    membership.delete()


# --- Invitations ------------------------------------------------------------------------------------------------------


@transaction.atomic
def invite_all(*, emails: Sequence[str], role: str, by: Membership, now: datetime) -> list[Invitation]:
    """Offer membership to several addresses, by mail: to all of them or, if one is wrong, to nobody.

    Inviting an address again renews the offer. Errors name the wrong addresses by their places: `emails.0`.
    """
    lock_members(by.organization)
    places: dict[str, int] = {}
    for place, email in enumerate(emails):
        places.setdefault(normalize_email(email), place)

    invitations, errors = [], {}
    for email, place in places.items():
        try:
            invitations.append(invite(email, role, by=by, now=now))
        except ValidationError as error:
            errors[f"emails.{place}"] = error
    if errors:
        only_conflicts = all(isinstance(error, Conflict) for error in errors.values())
        raise (Conflict if only_conflicts else ValidationError)(
            {place: error.messages for place, error in errors.items()}
        )
    return invitations


def require_admitted(email: str, organization: Organization) -> None:
    """Refuse addresses outside of the domains that the organization's sign-in rules name."""
    if not organization.admits(email):
        sentence = gettext("%(organization)s takes only addresses at %(domains)s.")
        domains = ", ".join(organization.email_domains)
        raise ValidationError(sentence % {"organization": organization, "domains": domains}, code="domain")


def invite(email: str, role: str, *, by: Membership, now: datetime) -> Invitation:
    if by.organization.memberships.filter(user__email=email).exists():
        raise Conflict(gettext("This person is a member already."), code="member")
    require_admitted(email, by.organization)
    invitation = by.organization.invitations.pending().filter(email=email).first()
    action = Event.Action.INVITATION_RESENT if invitation else Event.Action.INVITATION_SENT
    invitation = invitation or Invitation(organization=by.organization, email=email)
    invitation.role, invitation.invited_by, invitation.language = role, by.user.email, get_language() or ""
    invitation.expires_at = now + timedelta(days=settings.INVITATION_DAYS)
    invitation.full_clean(validate_unique=False, validate_constraints=False)
    invitation.save()
    log.record(action, by=by, target=invitation, role=role)
    # Only the id goes into the task table: the worker signs the link itself.
    transaction.on_commit(lambda: async_task("organizations.mails.send_invitation", invitation.pk))
    return invitation


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, by: Membership, now: datetime) -> None:
    """Withdraw an offer: its link stops working at once."""
    if not Invitation.objects.pending().filter(pk=invitation.pk).update(revoked_at=now):
        raise Conflict(gettext("This invitation has been accepted or revoked already."), code="closed")
    log.record(Event.Action.INVITATION_REVOKED, by=by, target=invitation)


def is_invited(user: User, invitation: Invitation) -> bool:
    """Whether the user has shown that the invited address is theirs."""
    return bool(EmailAddress.objects.filter(user=user, email=invitation.email, verified=True).exists())


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User, now: datetime) -> Membership:
    """Join; only for whom the invitation was sent to, once, and in time."""
    if not is_invited(user, invitation):
        raise ValidationError(gettext("This invitation is for another email address."), code="email")
    require_admitted(invitation.email, invitation.organization)
    require_admin_behind(invitation)
    # Without a join, of which PostgreSQL would not look again at an invitation that somebody else has just accepted.
    organizations = Organization.objects.filter(closed_at=None)
    open_invitations = Invitation.objects.pending().filter(
        pk=invitation.pk, expires_at__gt=now, organization__in=organizations
    )
    if not open_invitations.update(accepted_at=now):
        raise Conflict(gettext("This invitation is no longer open. Ask for a new one."), code="closed")
    membership, _ = Membership.objects.get_or_create(
        user=user, organization=invitation.organization, defaults={"role": invitation.role}
    )
    log.record(Event.Action.INVITATION_ACCEPTED, by=membership, target=invitation, role=membership.role)
    return membership


def require_admin_behind(invitation: Invitation) -> None:
    """Refuse to make somebody an admin for who is none any more, and would come back in this way."""
    admins = invitation.organization.memberships.filter(role=Role.ADMIN)
    if invitation.role == Role.ADMIN and not admins.filter(user__email=invitation.invited_by).exists():
        raise ValidationError(gettext("Whoever invited you is no longer an admin. Ask for a new invitation."))


# --- API keys ---------------------------------------------------------------------------------------------------------


def validate_scopes(scopes: Sequence[str]) -> list[str]:
    if not scopes or not set(scopes) <= set(Scope.values):
        raise ValidationError(
            {"scopes": gettext("Choose at least one of %(scopes)s.") % {"scopes": ", ".join(Scope.values)}}
        )
    return [scope for scope in Scope.values if scope in scopes]


@transaction.atomic
def issue_key(
    *,
    name: str,
    by: Membership,
    now: datetime,
    scopes: Sequence[str] = tuple(Scope.values),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make an API key that acts for `by`. Returns it and the key itself, which can never be had again.

    A key cannot make a key that may do more than itself.
    """
    if expires_at is not None and expires_at <= now:
        raise ValidationError({"expires_at": gettext("Choose a time in the future.")})
    keep_member(by)
    key, raw_key = make_key(by, name=name, scopes=scopes, expires_at=expires_at)
    if by.key and not by.key.covers(key):
        raise ValidationError(gettext("A key cannot make a key that may do more than itself, or live longer."))
    record_issued(key, by=by)
    return key, raw_key


def make_key(
    membership: Membership,
    *,
    name: str,
    scopes: Sequence[str] = tuple(Scope.values),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    raw_key = ApiKey.generate()
    key = ApiKey(
        membership=membership,
        name=name.strip(),
        hint=raw_key[: len(ApiKey.PREFIX) + 4],
        digest=digest_key(raw_key),
        scopes=validate_scopes(scopes),
        expires_at=expires_at,
    )
    key.full_clean(validate_unique=False)
    key.save(force_insert=True)
    return key, raw_key


def record_issued(key: ApiKey, *, by: Membership | None) -> None:
    organization = key.membership.organization
    log.record(Event.Action.KEY_ISSUED, by=by, target=key, organization=organization, scopes=" ".join(key.scopes))


@transaction.atomic
def rename_key(*, key: ApiKey, name: str, by: Membership) -> ApiKey:
    former, key.name = key.name, name.strip()
    key.full_clean(validate_unique=False)
    key.save(update_fields=["name"])
    log.record(Event.Action.KEY_CHANGED, by=by, target=key, former_name=former)
    return key


@transaction.atomic
def revoke_key(*, key: ApiKey, by: Membership | User, now: datetime) -> None:
    """Stop a key for good; `by` is a member or, in the operators' admin, an operator. Twice is no more than once."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        log.record(Event.Action.KEY_REVOKED, by=by, target=key, organization=key.membership.organization)
