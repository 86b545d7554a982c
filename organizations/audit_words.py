"""The details of the audit log as people read them. Kept, exported and told to programs as they are, in English."""

from collections.abc import Iterator, Mapping

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.dateparse import parse_datetime
from django.utils.translation import pgettext, pgettext_lazy

from accounts.templatetags.moments import moment

from .models import Plan
from .permissions import Role, Scope

NAMES = {
    "change": pgettext_lazy("audit log", "change"),
    "default_quota_days": pgettext_lazy("audit log", "default quota days"),
    "email_domains": pgettext_lazy("audit log", "email domains"),
    "endpoint": pgettext_lazy("audit log", "endpoint"),
    "ends": pgettext_lazy("audit log", "ends"),
    "fields": pgettext_lazy("audit log", "fields"),
    "lines": pgettext_lazy("audit log", "lines"),
    "max_estimate": pgettext_lazy("audit log", "max estimate"),
    "max_open_problems": pgettext_lazy("audit log", "max open problems"),
    "method": pgettext_lazy("audit log", "method"),
    "name": pgettext_lazy("audit log", "name"),
    "outcome": pgettext_lazy("audit log", "outcome"),
    "plan": pgettext_lazy("audit log", "plan"),
    "provider": pgettext_lazy("audit log", "provider"),
    "quota": pgettext_lazy("audit log", "quota"),
    "requires_second_factor": pgettext_lazy("audit log", "requires second factor"),
    "role": pgettext_lazy("audit log", "role"),
    "scopes": pgettext_lazy("audit log", "scopes"),
    "settled": pgettext_lazy("audit log", "settled"),
    "sha256": pgettext_lazy("audit log", "sha256"),
    "since": pgettext_lazy("audit log", "since"),
    "solver": pgettext_lazy("audit log", "solver"),
    "solvers": pgettext_lazy("audit log", "solvers"),
    "starts": pgettext_lazy("audit log", "starts"),
    "token_name": pgettext_lazy("audit log", "token name"),
    "until": pgettext_lazy("audit log", "until"),
    "user": pgettext_lazy("audit log", "user"),
    "user_email": pgettext_lazy("audit log", "user email"),
    "whose": pgettext_lazy("audit log", "whose"),
}
VALUES: dict[str, Mapping[str, object]] = {
    "change": {
        "added": pgettext_lazy("audit log", "added"),
        "changed": pgettext_lazy("audit log", "changed"),
        "deleted": pgettext_lazy("audit log", "deleted"),
    },
    "outcome": {
        "cancelled": pgettext_lazy("audit log", "cancelled"),
        "running": pgettext_lazy("audit log", "running"),
        "ended": pgettext_lazy("audit log", "ended"),
    },
    "plan": dict(Plan.choices),
    "role": dict(Role.choices),
    "scopes": dict(Scope.choices),
    "whose": {
        "everybody's": pgettext_lazy("audit log", "everybody's"),
        "own": pgettext_lazy("audit log", "own"),
    },
}


def in_words(details: Mapping[str, str | int | None]) -> Iterator[tuple[str, object]]:
    """Name and value of each detail that says something."""
    for name, value in details.items():
        if value is not None and value != "":
            yield name_in_words(name), value_in_words(name, value)


def name_in_words(name: str) -> str:
    name = name.removesuffix("_ns").removesuffix("_at")
    if name.startswith("former_"):
        return pgettext("audit log", "former %(name)s") % {"name": name_in_words(name.removeprefix("former_"))}
    return str(NAMES.get(name, name.replace("_", " ")))


def value_in_words(name: str, value: str | int) -> object:
    name = name.removeprefix("former_")
    if isinstance(value, bool):
        return pgettext("audit log", "yes") if value else pgettext("audit log", "no")
    if name.endswith("_ns"):
        return f"{intcomma(value)} ns"
    if name.endswith("_at") and (at := parse_datetime(str(value))):
        return moment(at)
    if words := VALUES.get(name):
        return ", ".join(str(words.get(part, part)) for part in str(value).split())
    return value
