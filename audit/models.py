"""What happened, who did it, to what, from where. Lines are only added; the database itself refuses anything else."""

from typing import Any, Never

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AppendOnlyError(Exception):
    """Somebody tried to change or delete what happened."""


class EventQuerySet(models.QuerySet["Event"]):
    def of_organization(self, organization: models.Model) -> "EventQuerySet":
        return self.filter(organization_id=organization.pk)

    def with_action(self, *actions: str) -> "EventQuerySet":
        return self.filter(action__in=actions)

    def newest_first(self) -> "EventQuerySet":
        return self.order_by("-id")

    def update(self, **kwargs: Any) -> Never:
        raise AppendOnlyError("Events cannot be changed.")

    def delete(self) -> Never:
        raise AppendOnlyError("Events cannot be deleted.")


class Event(models.Model):
    """One line of the audit log. audit.log.record() writes it.

    It names its actor, organization and target in plain values, without foreign keys: it outlives them.
    """

    class Action(models.TextChoices):
        USER_SIGNED_UP = "user_signed_up", _("User signed up")
        USER_SIGNED_IN = "user_signed_in", _("User signed in")
        USER_SIGN_IN_FAILED = "user_sign_in_failed", _("Sign-in failed")
        USER_SIGNED_OUT = "user_signed_out", _("User signed out")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        EMAIL_CHANGED = "email_changed", _("Email address changed")
        MFA_ADDED = "mfa_added", _("Second factor added")
        MFA_REMOVED = "mfa_removed", _("Second factor removed")
        DATA_EXPORTED = "data_exported", _("Personal data exported")
        ACCOUNT_CLOSED = "account_closed", _("Account closed")
        ACCOUNT_ERASED = "account_erased", _("Account erased")
        SSO_CONNECTED = "sso_connected", _("Single sign-on connected")
        SSO_DISCONNECTED = "sso_disconnected", _("Single sign-on disconnected")
        ORGANIZATION_CREATED = "organization_created", _("Organization created")
        ORGANIZATION_CHANGED = "organization_changed", _("Organization changed")
        ORGANIZATION_CLOSED = "organization_closed", _("Organization closed")
        ORGANIZATION_REOPENED = "organization_reopened", _("Organization opened again")
        ORGANIZATION_DELETED = "organization_deleted", _("Organization deleted")
        MEMBER_ADDED = "member_added", _("Member added")
        MEMBER_REMOVED = "member_removed", _("Member removed")
        ROLE_CHANGED = "role_changed", _("Role changed")
        INVITATION_SENT = "invitation_sent", _("Invitation sent")
        INVITATION_RESENT = "invitation_resent", _("Invitation sent again")
        INVITATION_REVOKED = "invitation_revoked", _("Invitation revoked")
        INVITATION_ACCEPTED = "invitation_accepted", _("Invitation accepted")
        KEY_ISSUED = "key_issued", _("API key issued")
        KEY_CHANGED = "key_changed", _("API key changed")
        KEY_REVOKED = "key_revoked", _("API key revoked")
        TOKEN_UPLOADED = "token_uploaded", _("QPU token uploaded")
        TOKEN_RENAMED = "token_renamed", _("QPU token renamed")
        TOKEN_CHANGED = "token_changed", _("QPU token changed")
        SECRET_REPLACED = "secret_replaced", _("Secret of a QPU token replaced")
        TOKEN_DELETED = "token_deleted", _("QPU token deleted")
        SECRET_USED = "secret_used", _("Secret of a QPU token used")
        QUOTA_ASSIGNED = "quota_assigned", _("Time quota assigned")
        QUOTA_CHANGED = "quota_changed", _("Time quota changed")
        QUOTA_REMOVED = "quota_removed", _("Time quota removed")
        RULES_CHANGED = "rules_changed", _("Rules of a QPU token changed")
        PROBLEM_CANCELLED = "problem_cancelled", _("Problem cancelled")
        USAGE_EXPORTED = "usage_exported", _("Usage exported")
        USAGE_ARCHIVED = "usage_archived", _("Usage archived")
        ADMIN_CHANGED = "admin_changed", _("Changed in the operators' admin")

    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=40, choices=Action)
    actor_id = models.BigIntegerField(null=True)
    actor = models.TextField(blank=True, help_text="Email address; empty for the system and the command line.")
    key = models.TextField(blank=True, help_text="Label of the API key that was used.")
    address = models.GenericIPAddressField(null=True, unpack_ipv4=True)
    organization_id = models.BigIntegerField(null=True)
    target_type = models.TextField(blank=True)
    target_id = models.TextField(blank=True)
    target = models.TextField(blank=True)
    details = models.JSONField(default=dict)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization_id", "-id"], name="event_by_organization"),
            models.Index(fields=["organization_id", "action", "-id"], name="event_by_organization_action"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor or 'system'} {self.action} {self.target}".rstrip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("Events cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise AppendOnlyError("Events cannot be deleted.")

    @property
    def what(self) -> str:
        """What happened, in words. get_action_display() would translate the words of all actions to find these."""
        return str(dict(self.Action.choices).get(self.action, self.action))
