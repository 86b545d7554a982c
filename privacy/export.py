"""Everything that the portal knows of one person, for that person: as JSON, without secrets."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet

from accounts.models import User
from audit.models import Event
from gateway.models import Upload
from organizations.models import ApiKey, Invitation, Membership
from quotas.models import RefusedJobs, TimeQuotaPolicy, Usage
from solving.models import SolveJob, UploadedModel
from tokens.models import QpuToken

ROWS_AT_ONCE = 100  # some hold a whole model


def sections(user: User) -> dict[str, QuerySet]:
    """What there is, by kind. Every field is named, so that nothing secret gets out by being added to a model."""
    about = Q(actor_id=user.pk) | Q(target_type=user._meta.label, target_id=str(user.pk))
    jobs = ("token_name", "source", "solver", "status", "estimate_ns", "access_time_ns", "created_at", "closed_at")
    return {
        "account": User.objects.filter(pk=user.pk).values(
            "email", "first_name", "last_name", "language", "date_joined", "last_login"
        ),
        "email_addresses": EmailAddress.objects.filter(user=user).values("email", "verified", "primary"),
        "second_factors": Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at"),
        "single_sign_on": SocialAccount.objects.filter(user=user).values(
            "provider", "uid", "extra_data", "date_joined", "last_login"
        ),
        "sessions": UserSession.objects.filter(user=user).values("ip", "user_agent", "created_at", "last_seen_at"),
        "memberships": Membership.objects.filter(user=user).values("organization__name", "role", "created_at"),
        "invitations": Invitation.objects.filter(email=user.email).values(
            "organization__name", "role", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"
        ),
        "api_keys": ApiKey.objects.filter(membership__user=user).values(
            "membership__organization__name",
            "name",
            "hint",
            "scopes",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ),
        "qpu_tokens": QpuToken.objects.filter(owner=user).values(
            "name", "provider", "endpoint", "is_inline", "created_at", "secret_changed_at", "tested_at", "works"
        ),
        "time_quotas": TimeQuotaPolicy.objects.filter(member__user=user).values(
            "token__name", "quota_ns", "used_ns", "reserved_ns", "starts_at", "ends_at"
        ),
        "jobs": Usage.objects.filter(user_id=user.pk).values(
            *jobs, "user_email", "problem__type", "problem__label", "problem__status"
        ),
        "refused_jobs": RefusedJobs.objects.filter(user_id=user.pk).values(
            "token_name", "source", "solver", "reason", "jobs", "first_at", "last_at"
        ),
        "uploads": Upload.objects.filter(user_id=user.pk).values("upstream_id", "created_at"),
        "models": UploadedModel.objects.filter(membership__user=user).values(
            "facts", "size", "sha256", "created_at", "data"
        ),
        "solve_jobs": SolveJob.objects.filter(membership__user=user).values(
            "name", "solver", "parameters", "status", "error_message", "created_at", "ended_at", "summary", "result"
        ),
        "audit_log": Event.objects.filter(about).values("at", "action", "key", "address", "target", "details"),
    }


class Encoder(DjangoJSONEncoder):
    """Bytes, such as those of models, become Base64."""

    def default(self, value: Any) -> Any:
        if isinstance(value, bytes | memoryview):
            return base64.b64encode(value).decode()
        return super().default(value)


def as_json(user: User) -> Iterator[str]:
    """One JSON object with a list for each section, in pieces, so that no export has to fit into memory."""
    opening = "{"
    for name, rows in sections(user).items():
        yield f"{opening}\n{json.dumps(name)}: ["
        yield from listed(rows.order_by("pk").iterator(ROWS_AT_ONCE))
        yield "]"
        opening = ","
    yield "\n}\n"


def listed(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    opening = ""
    for row in rows:
        yield f"{opening}\n{json.dumps(row, cls=Encoder, ensure_ascii=False)}"
        opening = ","
