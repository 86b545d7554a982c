"""The only writer of the audit log."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import EllipsisType
from typing import Any, Protocol, TypeAlias, runtime_checkable

from django.db import connection, models
from django.db.transaction import TransactionManagementError

from .middleware import current_address
from .models import Event

Plain: TypeAlias = str | int | bool | datetime | None

NAME_OF_SECRET = re.compile(r"(^|_)(token|secret|password|passphrase|key|credential|seed|cookie|ciphertext)s?$")


class Person(Protocol):
    """Somebody with an email address: a user."""

    @property
    def pk(self) -> Any: ...
    @property
    def email(self) -> str: ...


@runtime_checkable
class Actor(Protocol):
    """Somebody who acts in an organization: a membership. May have a `key`, the API key in use, with a `label`."""

    @property
    def user(self) -> Person: ...
    @property
    def organization(self) -> models.Model: ...


def record(
    action: Event.Action,
    *,
    by: Actor | Person | None,
    target: models.Model | None,
    organization: models.Model | EllipsisType | None = ...,
    **details: Plain,
) -> Event:
    """Write down that `by` (None: the system, or the command line) did `action` to `target`.

    Belongs in the transaction of the change itself, so that neither is there without the other. The line goes into the
    log of the actor's organization unless another one is given, or None for nobody's. `details` are plain values under
    names that do not sound like secrets; whoever reads the log sees them.
    """
    event = line(action, by, target, organization, details)
    event.save(force_insert=True)
    return event


def record_each(
    action: Event.Action, *, by: Actor, target: models.Model, details: Iterable[Mapping[str, Plain]]
) -> list[Event]:
    """Write down an act on many: as `record`, a line for each of the `details`, in few statements."""
    return Event.objects.bulk_create([line(action, by, target, ..., each) for each in details], batch_size=500)


def line(
    action: Event.Action,
    by: Actor | Person | None,
    target: models.Model | None,
    organization: models.Model | EllipsisType | None,
    details: Mapping[str, Plain],
) -> Event:
    """A line that is not written yet."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("record() belongs in the transaction of what it records.")
    user = by.user if isinstance(by, Actor) else by
    key = getattr(by, "key", None)
    if organization is ...:
        organization = getattr(by, "organization", None)
    return Event(
        action=Event.Action(action),
        actor_id=user.pk if user else None,
        actor=user.email if user else "",
        key=key.label if key else "",
        address=current_address(),
        organization_id=organization.pk if organization else None,
        target_type=target._meta.label if target else "",
        target_id=str(target.pk) if target else "",
        target=str(target) if target else "",
        details={name: plain(name, value) for name, value in details.items()},
    )


def plain(name: str, value: Plain) -> str | int | None:
    """A detail as JSON can hold it; refuses objects, which may carry secrets, and names that promise one."""
    if NAME_OF_SECRET.search(name):
        raise ValueError(f"The audit log takes no {name}.")
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"The audit log takes plain values; {name} is of type {type(value).__name__}.")
