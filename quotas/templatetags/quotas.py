"""What the templates about tokens ask of quotas."""

from collections.abc import Iterable

from django import template
from django.utils import timezone

from organizations.models import Membership
from tokens.models import QpuToken

from ..access import decisions_on
from ..models import Usage
from ..policies import Decision

register = template.Library()


@register.simple_tag
def with_quotas(tokens: Iterable[QpuToken], member: Membership) -> list[tuple[QpuToken, Decision]]:
    """Each token with what limits the member on it (one query)."""
    tokens = list(tokens)
    decisions = decisions_on(tokens, member, timezone.now())
    return [(token, decisions[token.pk]) for token in tokens]


@register.simple_tag
def quotas_on(token: QpuToken, member: Membership) -> Decision:
    """What limits the member on a token (one query)."""
    return decisions_on([token], member, timezone.now())[token.pk]


@register.simple_tag
def open_jobs(token: QpuToken) -> int:
    """How many jobs on a token have not ended yet."""
    whose = {"organization_id": token.organization_id} if token.is_group else {"user_id": token.owner_id}
    return Usage.objects.open().filter(token_id=token.pk, **whose).count()
