"""The tenants, who belongs to them in which role, and the API keys that act for a member."""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.core import signing
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.urls import reverse

from accounts.mfa import second_factors_of
from accounts.validators import validate_sdk_email

from .permissions import ROLE_PERMISSIONS, SCOPE_PERMISSIONS, Permission, Role, Scope
from .validators import validate_domains, validate_label


class Plan(models.TextChoices):
    BASIC = "basic", "Basic"
    ACADEMIC = "academic", "Academic"
    ENTERPRISE = "enterprise", "Enterprise"


PLANS_WITH_GROUP_TOKENS = frozenset({Plan.ACADEMIC, Plan.ENTERPRISE})


def default_plan() -> str:
    return settings.DEFAULT_PLAN


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def to_be_deleted(self, now: datetime) -> "OrganizationQuerySet":
        """Those that were closed so long ago that nobody can reopen them any more."""
        return self.filter(closed_at__lte=now - Organization.DELETED_AFTER)


class Organization(models.Model):
    """A tenant. Nothing of one organization is ever visible in another."""

    DELETED_AFTER = timedelta(days=7)  # from when it was closed

    name = models.CharField(max_length=100, validators=[validate_label])
    slug = models.SlugField(max_length=60, unique=True, help_text="Its name in addresses.")
    plan = models.CharField(max_length=20, choices=Plan, default=default_plan)
    created_at = models.DateTimeField(auto_now_add=True)
    default_quota_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text="How long a time quota lasts that is given without an end; as the portal's settings say if empty.",
    )
    requires_second_factor = models.BooleanField(
        default=False, db_default=False, help_text="Its pages open only to members who have a second factor."
    )
    email_domains = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        validators=[validate_domains],
        help_text="Whose addresses can be invited and join, such as example.com; everybody's if empty.",
    )

    closed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Nobody gets in since; deleted a week later."
    )

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(plan__in=Plan.values), name="organization_has_a_known_plan")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("dashboard", args=[self.slug])

    @property
    def allows_group_tokens(self) -> bool:
        return self.plan in PLANS_WITH_GROUP_TOKENS

    @property
    def quota_days(self) -> int:
        """How many days a time quota lasts that is given without an end."""
        return self.default_quota_days or settings.QUOTA_DEFAULT_DAYS

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def deleted_at(self) -> datetime | None:
        """When a closed one goes for good."""
        return self.closed_at and self.closed_at + self.DELETED_AFTER

    def admits(self, email: str) -> bool:
        """Whether somebody with this address may be invited and join."""
        return not self.email_domains or email.rpartition("@")[2] in self.email_domains


class MembershipQuerySet(models.QuerySet["Membership"]):
    def matching(self, part: str) -> "MembershipQuerySet":
        """Those with this part in their email address or name."""
        return self.filter(
            Q(user__email__icontains=part) | Q(user__first_name__icontains=part) | Q(user__last_name__icontains=part)
        )

    def with_second_factor(self, has_one: bool) -> "MembershipQuerySet":
        """Those who sign in with more than a password; with False, those who do not."""
        has_second_factor = Exists(second_factors_of(OuterRef("user")))
        return self.filter(has_second_factor if has_one else ~has_second_factor)

    def with_address_outside(self, domains: list[str]) -> "MembershipQuerySet":
        """Those whose address is at none of the domains; nobody where there are none."""
        if not domains:
            return self.none()
        return self.exclude(reduce(or_, (Q(user__email__endswith=f"@{domain}") for domain in domains)))

    def with_activity(self) -> "MembershipQuerySet":
        """Adds `email`, `has_second_factor`, and when any of their keys was used last (`key_used_at`)."""
        used_keys = ApiKey.objects.filter(membership=OuterRef("pk"), last_used_at__isnull=False)
        return self.annotate(
            email=F("user__email"),
            has_second_factor=Exists(second_factors_of(OuterRef("user"))),
            key_used_at=Subquery(used_keys.order_by("-last_used_at").values("last_used_at")[:1]),
        )


class Membership(models.Model):
    """A user in an organization. Every page and endpoint starts from one, and reaches only what hangs on it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    # The API key through which this membership acts at the moment; set by organizations.access, never stored.
    key: "ApiKey | None" = None

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="one_membership_per_user_and_organization"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_has_a_known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What this member may do: what the role grants and, when acting through an API key, the key too."""
        granted = ROLE_PERMISSIONS[self.role]
        return granted & self.key.permissions if self.key else granted

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def pending(self) -> "InvitationQuerySet":
        """Neither accepted nor revoked; perhaps expired."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """An offer to an email address to join an organization.

    The link in the mail is the signed id (see docs/adr): nothing that opens an invitation is stored anywhere.
    """

    signer = signing.Signer(salt="organizations.invitation")

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email = models.EmailField(validators=[validate_sdk_email])
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    invited_by = models.CharField(max_length=254, help_text="Email address of who sent it.")
    language = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text="Of who sent it: its mail's, if none is known."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_pending_invitation_per_email",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_has_a_known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"

    @property
    def token(self) -> str:
        """The secret part of the link; bound to the address, so that it fits no other row that gets this id."""
        return self.signer.sign_object([self.pk, self.email])

    @classmethod
    def from_token(cls, token: str) -> "Invitation":
        """The invitation of a link; Invitation.DoesNotExist if the link is forged or no longer pending."""
        try:
            pk, email = cls.signer.unsign_object(token)
        except signing.BadSignature:
            raise cls.DoesNotExist from None
        pending = cls.objects.pending().select_related("organization")
        return pending.get(pk=pk, email=email, organization__closed_at=None)

    def is_open(self, now: datetime) -> bool:
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def of_organization(self, organization: Organization) -> "ApiKeyQuerySet":
        return self.filter(membership__in=organization.memberships.all())

    def about(self, part: str) -> "ApiKeyQuerySet":
        """Those with this part in their name, or in their owner's email address."""
        return self.filter(Q(name__icontains=part) | Q(membership__user__email__icontains=part))

    def usable(self, now: datetime) -> "ApiKeyQuerySet":
        """Neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)

    def with_digest(self, digest: str) -> "ApiKeyQuerySet":
        """The key that a program sent, with everything a request needs to know of it (one query)."""
        found = self.filter(digest=digest).select_related("membership__user", "membership__organization")
        return found.defer(*NOT_NEEDED_OF_KEYS)


# No password needs to be in memory, and to read a time takes as long as the rest of a row.
NOT_NEEDED_OF_KEYS = [
    "created_at",
    "membership__user__password",
    "membership__user__last_login",
    "membership__user__date_joined",
]


def digest_key(raw_key: str) -> str:
    # Keys are 256 random bits: nothing to guess, so a slow or salted hash would add nothing.
    return hashlib.sha256(raw_key.encode()).hexdigest()


class ApiKey(models.Model):
    """What a program signs in with. Only its digest is kept; the key itself is shown once, when it is issued."""

    PREFIX = "luna_"
    USE_IS_NOTED_EVERY = timedelta(minutes=1)

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100, validators=[validate_label])
    hint = models.CharField(max_length=12, help_text="How the key begins, to tell keys apart.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Names the key in the audit log and in messages."""
        return f"{self.name} ({self.hint}…)"

    def get_scopes_display(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes if scope in Scope.values]

    @classmethod
    def generate(cls) -> str:
        return cls.PREFIX + secrets.token_urlsafe(32)

    @property
    def permissions(self) -> frozenset[Permission]:
        return frozenset().union(*(SCOPE_PERMISSIONS.get(scope, ()) for scope in self.scopes))

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def covers(self, other: "ApiKey") -> bool:
        """Whether `other` may do no more than this key, and no longer."""
        outlives = self.expires_at is not None and (other.expires_at is None or other.expires_at > self.expires_at)
        return other.permissions <= self.permissions and not outlives

    def note_use(self, now: datetime) -> None:
        """Remember the last use, at most once a minute, so that reading stays a read."""
        noted = now - self.USE_IS_NOTED_EVERY
        if self.last_used_at is None or self.last_used_at < noted:
            ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=noted), pk=self.pk).update(last_used_at=now)
