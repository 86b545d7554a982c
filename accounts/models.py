"""People. Everything that somebody may do hangs on their memberships (organizations), not on the user."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from .validators import validate_printable, validate_sdk_email


def normalize_email(email: str) -> str:
    """The one form in which addresses are stored and compared: no blanks around, lower case."""
    return email.strip().lower()


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a user; without a password they can only come in through single sign-on or a password reset."""
        user = self.model(email=normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make an operator: somebody who may enter /admin/. Who has the shell need not confirm the address by mail."""
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        user.trust_email()
        return user

    def lock(self, pk: int) -> None:
        """Let what is done for one user come one after the other until the transaction ends.

        To be taken before all other locks: a user's jobs lock the user, then what they are booked on.
        """
        list(self.select_for_update(no_key=True).filter(pk=pk).values_list("pk"))

    def language_of(self, email: str) -> str:
        """The language of whoever has this address; empty if it is not known."""
        return self.filter(email=normalize_email(email)).values_list("language", flat=True).first() or ""

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=normalize_email(email or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in with an email address."""

    email = models.EmailField("email address", unique=True, max_length=254, validators=[validate_sdk_email])
    first_name = models.CharField(max_length=150, blank=True, validators=[validate_printable])
    last_name = models.CharField(max_length=150, blank=True, validators=[validate_printable])
    is_active = models.BooleanField(
        default=True, help_text="Inactive users cannot sign in, and their keys do not work."
    )
    is_staff = models.BooleanField("operator", default=False, help_text="May enter the operators' admin.")
    language = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text="Of their mails; chosen on the pages."
    )
    closed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="To be erased since; not if it is made active again."
    )
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = normalize_email(self.email)

    def get_full_name(self) -> str:
        """First and last name; the address where neither is known."""
        return f"{self.first_name} {self.last_name}".strip() or self.email

    def get_short_name(self) -> str:
        return self.first_name or self.email

    def trust_email(self) -> None:
        """Take the address as confirmed, without a mail: something better vouches for it, such as an operator."""
        EmailAddress.objects.update_or_create(user=self, email=self.email, defaults={"verified": True, "primary": True})
