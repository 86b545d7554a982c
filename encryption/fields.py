"""Encrypted text: in a column of its own, or (encrypt, decrypt) as a part of a column of another package.

django-encrypted-model-fields does the encrypting. As it comes, it hands out what it cannot decrypt, encrypts that once
more on the next save, stores the text of SQL expressions, and lets queries compare with ciphertext. All of it loses or
leaks secrets in silence, so the field here refuses whatever does not work.
"""

from typing import Any, Never

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Case, Expression, Value
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac
from encrypted_model_fields.fields import EncryptedMixin, get_crypter


class DecryptionError(Exception):
    """A stored secret that none of the configured keys opens."""


# --- Pieces of text ---------------------------------------------------------------------------------------------------
# get_crypter() reads the setting each time. The package's own CRYPTER is made once, at import, and stays as it was.


def encrypt(text: str) -> str:
    """Encrypt `text` with the first key of FIELD_ENCRYPTION_KEY."""
    if not isinstance(text, str):
        raise TypeError(f"Only text can be encrypted, not {type(text).__name__}.")
    ciphertext: bytes = get_crypter().encrypt(text.encode())
    return ciphertext.decode("ascii")


def decrypt(ciphertext: str, *, what: str = "A stored secret") -> str:
    """The text that encrypt() was given; DecryptionError, which calls it `what`, if no configured key opens it."""
    try:
        text: bytes = get_crypter().decrypt(ciphertext.encode())
    except InvalidToken:
        raise DecryptionError(
            f"{what} cannot be decrypted: no key in FIELD_ENCRYPTION_KEY opens it. "
            "Add the key that it was encrypted with to the end of FIELD_ENCRYPTION_KEY, after a comma, and restart. "
            "Nothing was changed."
        ) from None
    return text.decode()


def under_first_key(ciphertext: str) -> bool:
    """Whether `ciphertext` is what encrypt() would make today, so that the keys after the first are not needed."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEY[0]).decrypt(ciphertext.encode())
    except InvalidToken:
        return False
    return True


def reencrypt(ciphertext: str) -> str | None:
    """The same text under the first key; None if it is there already; DecryptionError if no key opens it."""
    return None if under_first_key(ciphertext) else encrypt(decrypt(ciphertext))


def keyed_digest(text: str, *, purpose: str) -> str:
    """HMAC-SHA256 of `text` in hex: tells equal secrets of one purpose without decrypting them. Keyed by SECRET_KEY."""
    return salted_hmac(f"encryption.{purpose}", text, algorithm="sha256").hexdigest()


# --- The column -------------------------------------------------------------------------------------------------------


class EncryptedTextField(EncryptedMixin, models.TextField):
    """Text that is ciphertext in the database. Nobody reads it without a key; it can be neither searched nor dumped."""

    description = "Encrypted text"

    def from_db_value(self, value: str | None, *args: Any) -> str | None:
        return None if value is None else decrypt(value, what=str(self))

    def to_python(self, value: Any) -> str | None:
        """Take input as it is. Decrypting it here would answer whoever posts a ciphertext with its text."""
        text: str | None = models.TextField.to_python(self, value)
        return text

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if hasattr(value, "as_sql"):
            if not self._encrypts_itself(value):
                raise FieldError(f"{self}: the database cannot encrypt, so this takes text, not an SQL expression.")
            return value
        return None if value is None else encrypt(value)

    def _encrypts_itself(self, expression: Expression) -> bool:
        """Whether all that `expression` can yield is a value of this field, which comes back to get_db_prep_save.

        That is the CASE of bulk_update(), which PostgreSQL wants in a CAST.
        """
        if isinstance(expression, Cast):
            return all(self._encrypts_itself(source) for source in expression.get_source_expressions())
        if isinstance(expression, Case):
            results = [*(when.result for when in expression.cases), expression.default]
            return all(self._encrypts_itself(result) for result in results)
        return isinstance(expression, Value) and (expression.value is None or expression.output_field == self)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self}: encrypted text differs each time, so queries can only ask whether it is null.")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> None:
        return None

    def value_from_object(self, obj: models.Model) -> Any:
        """Forms start empty: what was stored is not shown again. (Dumps ask value_to_string, as this is not None.)"""
        return ""

    def value_to_string(self, obj: models.Model) -> Never:
        raise FieldError(f"{self}: a dump would hold it in clear. Back up the database itself instead.")

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if self._is_indexed():
            errors.append(
                checks.Error("Encrypted text differs each time: do not index it.", obj=self, id="encryption.E001")
            )
        if self.has_db_default():
            errors.append(checks.Error("The database would store db_default in clear.", obj=self, id="encryption.E002"))
        return errors

    def _is_indexed(self) -> bool:
        meta = self.model._meta
        unique = [constraint for constraint in meta.constraints if isinstance(constraint, models.UniqueConstraint)]
        groups = [*meta.unique_together, *(index.fields for index in (*meta.indexes, *unique))]
        return self.unique or self.db_index or any(name.lstrip("-") == self.name for group in groups for name in group)
