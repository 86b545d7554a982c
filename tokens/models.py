"""The secrets of QPU providers that the portal keeps."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from encryption.fields import EncryptedTextField
from organizations.models import Membership
from organizations.permissions import Permission

from .names import MAX_LENGTH


class Provider(models.TextChoices):
    DWAVE = "dwave", "D-Wave"
    IBM = "ibm", "IBM"
    QCTRL = "qctrl", "Q-CTRL"
    AWS = "aws", "AWS"


class TokenScope(models.TextChoices):
    PERSONAL = "personal", "Personal"
    GROUP = "group", "Group"


# What the SDKs call the scopes in addresses.
SDK_SCOPES = {"shared": TokenScope.GROUP, "private": TokenScope.PERSONAL}

# Which right it takes to create, rename, replace and delete tokens of a scope.
PERMISSION_TO_MANAGE: dict[str, Permission] = {
    TokenScope.PERSONAL: Permission.MANAGE_OWN_TOKENS,
    TokenScope.GROUP: Permission.MANAGE_GROUP_TOKENS,
}


class QpuTokenQuerySet(models.QuerySet["QpuToken"]):
    def of(self, membership: Membership, scope: str) -> "QpuTokenQuerySet":
        """The member's personal tokens, or the group tokens of their organization: all that they can reach."""
        if scope == TokenScope.PERSONAL:
            return self.filter(owner_id=membership.user_id, is_inline=False)
        return self.filter(organization_id=membership.organization_id)

    def visible_to(self, membership: Membership) -> "QpuTokenQuerySet":
        """Everything that a member can see and use: their own tokens, and the group's."""
        return self.filter(
            Q(owner_id=membership.user_id, is_inline=False) | Q(organization_id=membership.organization_id)
        )


class QpuTokenManager(models.Manager["QpuToken"]):
    def get_queryset(self) -> models.QuerySet["QpuToken"]:
        # Who only lists tokens has no business decrypting them.
        return super().get_queryset().defer("secret")


class QpuToken(models.Model):
    """A provider's secret: a personal one serves its owner, a group one everybody in its organization.

    An inline one came with a job, serves that job alone, and goes with it; nobody can see or name it.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="qpu_tokens"
    )
    organization = models.ForeignKey(
        "organizations.Organization", models.CASCADE, null=True, blank=True, related_name="qpu_tokens"
    )
    provider = models.CharField(max_length=20, choices=Provider)
    name = models.CharField(max_length=MAX_LENGTH)
    secret = EncryptedTextField()
    secret_digest = models.CharField(max_length=64, help_text="Tells equal secrets without decrypting them.")
    created_at = models.DateTimeField(auto_now_add=True)
    secret_changed_at = models.DateTimeField(auto_now_add=True)
    secret_version = models.PositiveIntegerField(default=1, help_text="Tells which secret a job went out with.")
    endpoint = models.CharField(
        max_length=200, blank=True, help_text="Where the provider is reached; as the portal's settings say if empty."
    )
    tested_at = models.DateTimeField(null=True, help_text="When the provider was last asked about this secret.")
    works = models.BooleanField(null=True, help_text="Whether the provider accepted it then.")
    is_inline = models.BooleanField(default=False)

    objects = QpuTokenManager.from_queryset(QpuTokenQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(owner=None, organization__isnull=False) | Q(owner__isnull=False, organization=None),
                name="token_is_personal_or_group",
            ),
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=Q(organization=None, is_inline=False),
                name="personal_token_names_are_unique",
            ),
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(owner=None), name="group_token_names_are_unique"
            ),
            models.CheckConstraint(condition=Q(provider__in=Provider.values), name="token_has_a_known_provider"),
            models.CheckConstraint(
                condition=Q(is_inline=False) | Q(organization=None), name="inline_token_has_an_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> TokenScope:
        return TokenScope.PERSONAL if self.organization_id is None else TokenScope.GROUP

    @property
    def is_group(self) -> bool:
        return self.scope == TokenScope.GROUP

    @property
    def takes_quotas(self) -> bool:
        """Whether time quotas can be set on this token: only D-Wave says what a job costs."""
        return self.is_group and self.provider == Provider.DWAVE


class RetiredSecret(models.Model):
    """A secret that was replaced, kept for the jobs that went out with it, and wiped when they have ended."""

    token = models.ForeignKey(QpuToken, models.CASCADE, related_name="retired_secrets")
    version = models.PositiveIntegerField()
    secret = EncryptedTextField()
    retired_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "version"], name="one_retired_secret_per_version")]

    def __str__(self) -> str:
        return f"secret {self.version} of {self.token}"
