"""What happens to QPU tokens. Secrets come in here and never go out again.

The history of a personal token goes into nobody's audit log but the operator's: no organization is named.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404

from audit import log
from audit.models import Event
from encryption.fields import keyed_digest
from organizations.errors import Conflict
from organizations.models import Membership, Organization

from .endpoints import clean_endpoint
from .models import Provider, QpuToken, TokenScope
from .names import clean_name
from .probe import Finding, ask_provider

INLINE_NAME = "inline"
MAX_SECRET_LENGTH = 8192  # the longest real ones, session tokens of AWS, have about 2,000 characters


def clean_secret(value: str) -> str:
    """A secret without the blanks that copying adds; it must be what an HTTP header can carry."""
    secret = value.strip()
    if not secret:
        raise ValidationError({"token": "Paste the token that you got from the provider."})
    if len(secret) > MAX_SECRET_LENGTH:
        raise ValidationError({"token": f"A token has at most {MAX_SECRET_LENGTH} characters."})
    if not (secret.isascii() and secret.isprintable()):
        raise ValidationError(
            {"token": "A token has only letters, digits and signs of the ASCII alphabet. Copy it again."}
        )
    return secret


def digest_secret(secret: str) -> str:
    return keyed_digest(secret, purpose="tokens.secret")


def require_group_tokens(organization: Organization) -> None:
    """Refuse where the organization's plan has no group tokens."""
    if not organization.allows_group_tokens:
        raise PermissionDenied(
            f"Group tokens are part of the academic and enterprise plans; "
            f"{organization.name} has the {organization.plan} plan."
        )


def make_token(*, provider: str, secret: str, **fields: Any) -> QpuToken:
    """A token that is not saved yet."""
    if provider not in Provider.values:
        raise ValidationError({"provider": f"Choose one of {', '.join(Provider.values)}."})
    secret = clean_secret(secret)
    return QpuToken(provider=provider, secret=secret, secret_digest=digest_secret(secret), **fields)


@transaction.atomic
def upload_token(*, scope: str, provider: str, name: str, secret: str, by: Membership, endpoint: str = "") -> QpuToken:
    """Keep a provider's secret under a name; in a group token, for everybody in the organization.

    Jobs go to `endpoint`, or to the portal's default if that is empty.
    """
    if scope == TokenScope.GROUP:
        require_group_tokens(by.organization)
    token = make_token(
        provider=provider,
        secret=secret,
        name=clean_name(name),
        endpoint=clean_endpoint(endpoint, provider),
        owner=by.user if scope == TokenScope.PERSONAL else None,
        organization=by.organization if scope == TokenScope.GROUP else None,
    )
    save_under_free_name(token)
    log.record(Event.Action.TOKEN_UPLOADED, by=by, target=token, organization=token.organization, provider=provider)
    return token


def save_under_free_name(token: QpuToken, *, update_fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            token.save(update_fields=update_fields)
    except IntegrityError:
        raise Conflict({"name": f"There is a {token.scope} token of this name already."}, code="name_taken") from None


def lock(token: QpuToken, *fields: str) -> None:
    """Let changes of a token come one after the other, each knowing its name and these fields as they are now.

    A token that is gone by then is a 404.
    """
    rows = QpuToken.objects.defer(None).select_for_update()
    try:
        token.refresh_from_db(fields=["name", *fields], from_queryset=rows)
    except QpuToken.DoesNotExist:
        raise Http404("No such token.") from None


@transaction.atomic
def change_token(*, token: QpuToken, by: Membership, name: str | None = None, endpoint: str | None = None) -> QpuToken:
    """Change what is given of a token: its name, its endpoint, or both."""
    if name is not None:
        rename_token(token=token, name=name, by=by)
    if endpoint is not None:
        move_token(token=token, endpoint=endpoint, by=by)
    return token


@transaction.atomic
def rename_token(*, token: QpuToken, name: str, by: Membership) -> QpuToken:
    """Give a token another name; its quotas and its history stay with it."""
    name = clean_name(name)
    lock(token)
    former, token.name = token.name, name
    if token.name == former:
        return token
    save_under_free_name(token, update_fields=["name"])
    log.record(Event.Action.TOKEN_RENAMED, by=by, target=token, organization=token.organization, former_name=former)
    return token


@transaction.atomic
def move_token(*, token: QpuToken, endpoint: str, by: Membership) -> QpuToken:
    """Send a token's jobs to another endpoint from now on; empty is the portal's default."""
    endpoint = clean_endpoint(endpoint, token.provider)
    lock(token, "endpoint")
    former, token.endpoint = token.endpoint, endpoint
    if token.endpoint == former:
        return token
    token.tested_at = token.works = None
    token.save(update_fields=["endpoint", "tested_at", "works"])
    details = {"endpoint": endpoint, "former_endpoint": former}
    log.record(Event.Action.TOKEN_CHANGED, by=by, target=token, organization=token.organization, **details)
    return token


@transaction.atomic
def replace_secret(*, token: QpuToken, secret: str, by: Membership, now: datetime) -> QpuToken:
    """Put a new secret in the place of the old one, which is kept only for the jobs that it has sent."""
    secret = clean_secret(secret)
    lock(token, "secret", "secret_version")
    if token.provider == Provider.DWAVE:  # no other provider's jobs go through the portal
        token.retired_secrets.create(version=token.secret_version, secret=token.secret, retired_at=now)
    token.secret = secret
    token.secret_digest = digest_secret(secret)
    token.secret_version += 1
    token.secret_changed_at = now
    token.tested_at = token.works = None
    token.save(update_fields=["secret", "secret_digest", "secret_version", "secret_changed_at", "tested_at", "works"])
    log.record(Event.Action.SECRET_REPLACED, by=by, target=token, organization=token.organization)
    return token


@transaction.atomic
def delete_token(*, token: QpuToken, by: Membership) -> None:
    """Forget a token and its secret, with the quotas on it; what was used through it stays on record."""
    lock(token)
    log.record(Event.Action.TOKEN_DELETED, by=by, target=token, organization=token.organization)
    token.delete()


def same_secret_as(token: QpuToken, *, seen_by: Membership) -> list[str]:
    """Names of the other tokens, among those the member manages, that hold the same secret."""
    others = QpuToken.objects.of(seen_by, token.scope).filter(secret_digest=token.secret_digest).exclude(pk=token.pk)
    return list(others.order_by("name").values_list("name", flat=True))


def probe_token(*, token: QpuToken, now: datetime) -> Finding:
    """Ask the provider whether it accepts the token's secret, and remember its word.

    Takes up to some seconds: not to be called in a transaction.
    """
    finding = ask_provider(token)
    if finding.works is not None:
        # What was learned of a secret does not hold for another that has taken its place meanwhile.
        asked = QpuToken.objects.filter(pk=token.pk, secret_version=token.secret_version, endpoint=token.endpoint)
        if asked.update(tested_at=now, works=finding.works):
            token.tested_at, token.works = now, finding.works
    return finding


# --- Tokens that come with a job --------------------------------------------------------------------------------------


@transaction.atomic
def upload_inline_token(*, provider: str, secret: str, by: Membership) -> QpuToken:
    """Keep the secret that came with a job, for this job alone. delete_inline_token wipes it when the job has ended."""
    token = make_token(provider=provider, secret=secret, name=INLINE_NAME, owner=by.user, is_inline=True)
    token.save()
    log.record(Event.Action.SECRET_USED, by=by, target=token, organization=None, provider=provider)
    return token


@transaction.atomic
def delete_inline_token(*, token_id: int) -> None:
    """Forget the secret that came with a job. A second time does nothing."""
    token = QpuToken.objects.select_for_update().filter(pk=token_id, is_inline=True).first()
    if token is not None:
        log.record(Event.Action.TOKEN_DELETED, by=None, target=token, organization=None)
        token.delete()
