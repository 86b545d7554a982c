"""Reads whom to invite from what somebody pasted or exported: addresses, one or many to a line, or CSV."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import normalize_email
from accounts.validators import validate_sdk_email

from .models import Organization
from .services import require_admitted

MOST_INVITEES = 500

LONGEST = 10_000  # characters in a line

HEADINGS = re.compile(r"e-?mail|address|adresse", re.IGNORECASE)
BEHIND_A_NAME = re.compile(r"<([^<>]*)>$")


class Outlook(StrEnum):
    """What sending would do about a line."""

    NEW = "new"
    AGAIN = "again"
    MEMBER = "member"
    REPEATED = "repeated"
    WRONG = "wrong"


@dataclass(frozen=True)
class Invitee:
    """One address, the number of the line it stands in, and what will happen; `text` is what was typed."""

    line: int
    text: str
    email: str
    outlook: Outlook
    problem: str = ""

    @property
    def will_be_sent(self) -> bool:
        return self.outlook in {Outlook.NEW, Outlook.AGAIN}


def read(text: str, organization: Organization) -> list[Invitee]:
    """Everybody named in the text, in order, with what sending to them would do (two queries)."""
    found = list(addresses(text))
    emails = {email for _line, _text, email in found}
    members = set(organization.memberships.filter(user__email__in=emails).values_list("user__email", flat=True))
    invited = set(organization.invitations.pending().filter(email__in=emails).values_list("email", flat=True))
    seen: set[str] = set()
    invitees = []
    for line, typed, email in found:
        outlook, problem = Outlook.NEW, problem_with(email, organization)
        if problem:
            outlook = Outlook.WRONG
        elif email in seen:
            outlook = Outlook.REPEATED
        elif email in members:
            outlook = Outlook.MEMBER
        elif email in invited:
            outlook = Outlook.AGAIN
        seen.add(email)
        invitees.append(Invitee(line, typed, email, outlook, problem))
    return invitees


def addresses(text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, text and address of everybody named; the address is empty where a line names nobody."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST:
            yield number, f"{line[:40]}…", ""
            continue
        cells = [cell.strip() for cell in cells_of(line) if cell.strip()]
        named = [cell for cell in cells if "@" in cell]
        if named:
            yield from ((number, cell, address_in(cell)) for cell in named)
        elif cells and not (number == 1 and HEADINGS.search(line)):
            yield number, line.strip(), ""


def address_in(cell: str) -> str:
    """The address that a cell names, perhaps behind a name: Ada Lovelace <ada@example.com>."""
    behind_a_name = BEHIND_A_NAME.search(cell)
    return normalize_email(behind_a_name[1] if behind_a_name else cell)


def cells_of(line: str) -> list[str]:
    delimiter = max(",;\t", key=line.count)
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def problem_with(email: str, organization: Organization | None = None) -> str:
    """Why an address cannot be used, or cannot be invited to the organization; empty if it can."""
    if not email:
        return _("There is no email address in this line.")
    try:
        validate_sdk_email(email)
        if organization:
            require_admitted(email, organization)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
