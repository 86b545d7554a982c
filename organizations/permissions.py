"""Every right there is, which role has it, and which scope of an API key carries it."""

from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """One right within an organization; a guard asks for exactly one of these."""

    VIEW_ORGANIZATION = "view_organization"
    MANAGE_ORGANIZATION = "manage_organization"
    LEAVE_ORGANIZATION = "leave_organization"
    VIEW_MEMBERS = "view_members"
    MANAGE_MEMBERS = "manage_members"
    VIEW_OWN_KEYS = "view_own_keys"
    MANAGE_OWN_KEYS = "manage_own_keys"
    VIEW_TOKENS = "view_tokens"
    MANAGE_OWN_TOKENS = "manage_own_tokens"
    MANAGE_GROUP_TOKENS = "manage_group_tokens"
    USE_TOKENS = "use_tokens"
    VIEW_OWN_QUOTAS = "view_own_quotas"
    VIEW_QUOTAS = "view_quotas"
    ASSIGN_QUOTAS = "assign_quotas"
    CANCEL_PROBLEMS = "cancel_problems"
    VIEW_OWN_USAGE = "view_own_usage"
    VIEW_USAGE = "view_usage"
    VIEW_AUDIT = "view_audit"


class Role(TextChoices):
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")


MEMBER_PERMISSIONS = frozenset(
    {
        Permission.VIEW_ORGANIZATION,
        Permission.LEAVE_ORGANIZATION,
        Permission.VIEW_OWN_KEYS,
        Permission.MANAGE_OWN_KEYS,
        Permission.VIEW_TOKENS,
        Permission.MANAGE_OWN_TOKENS,
        Permission.USE_TOKENS,
        Permission.VIEW_OWN_QUOTAS,
        Permission.VIEW_OWN_USAGE,
    }
)
ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.MEMBER: MEMBER_PERMISSIONS,
    Role.ADMIN: frozenset(Permission),
}


class Scope(TextChoices):
    """What an API key may be used for; never more than the role of the member whom it acts for."""

    READ = "read", _("Read")
    RUN = "run", _("Run jobs")
    MANAGE = "manage", _("Make changes")


READ_PERMISSIONS = frozenset(permission for permission in Permission if permission.startswith("view_"))
SCOPE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    Scope.READ: READ_PERMISSIONS,
    Scope.RUN: frozenset({Permission.USE_TOKENS}),
    Scope.MANAGE: frozenset(Permission) - READ_PERMISSIONS - {Permission.USE_TOKENS},
}
