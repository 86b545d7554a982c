"""Second factors. allauth would keep what authenticator apps and recovery codes are made from in clear."""

from collections.abc import Iterator
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import LoginWebAuthnForm
from django.db.models import OuterRef, QuerySet

from encryption.fields import decrypt, encrypt, reencrypt
from encryption.rotation import BATCH_SIZE, Column, Progress

from .models import User

FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]  # recovery codes only stand in for one of these
SECRETS = ["secret", "seed"]  # of an authenticator app, of recovery codes


class EncryptingAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text, what="The secret of a second factor")


class PasskeySignInForm(LoginWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        """Refuse what no browser sends, instead of failing on it: strangers can post here."""
        try:
            return super().clean_credential()
        except (AttributeError, KeyError):
            raise EncryptingAdapter().validation_error("incorrect_code") from None


def second_factors_of(user: User | OuterRef) -> QuerySet[Authenticator]:
    """What somebody signs in with besides a password; of `OuterRef("user")`, for use in another query."""
    factors: QuerySet[Authenticator] = Authenticator.objects.filter(user=user, type__in=FACTORS)
    return factors


def has_second_factor(user: User) -> bool:
    """Whether signing in takes this person more than a password."""
    return second_factors_of(user).exists()


def rotate_secrets(batch_size: int = BATCH_SIZE, *, write: bool = True) -> Iterator[Progress]:
    """Bring the secrets of all second factors under the first key, batch by batch, as rotate_fields() does."""
    return Column(Authenticator._meta.get_field("data"), under_first_key).rotate(batch_size, write=write)


def under_first_key(data: dict[str, Any]) -> dict[str, Any] | None:
    """An authenticator's data with its secrets encrypted anew; None if there is nothing to do."""
    renewed = {name: reencrypt(data[name]) for name in SECRETS if name in data}
    renewed = {name: ciphertext for name, ciphertext in renewed.items() if ciphertext is not None}
    return data | renewed if renewed else None
