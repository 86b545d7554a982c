"""Reads who is to have which quota from what somebody pasted or exported, and says what that would change."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from organizations.invitees import LONGEST, address_in, problem_with
from organizations.models import Membership, Organization
from tokens.models import QpuToken

from .assignments import Assignment, Wish, plan
from .durations import parse
from .forms import midnight
from .policies import MAX_NS
from .units import decimal_sign

HEADING_OF_EMAIL = re.compile(r"e-?mail|address|adresse", re.IGNORECASE)
STARTS_LIKE_A_DURATION = re.compile(r"[0-9.,-]")


@dataclass(frozen=True)
class Line:
    """What one line asks for; `problem` says what is wrong with it."""

    number: int
    text: str
    email: str = ""
    quota_ns: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    problem: str = ""


@dataclass(frozen=True)
class Default:
    """What holds for lines that say nothing else."""

    quota_ns: int | None
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Entry:
    """A line, and what would become of it: an assignment, an invitation first, or nothing."""

    line: Line
    assignment: Assignment | None = None
    is_stranger: bool = False
    problem: str = ""


def entries_of(text: str, default: Default, token: QpuToken, organization: Organization, now: datetime) -> list[Entry]:
    """What the text would change, line by line (two queries)."""
    lines = list(lines_of(text))
    emails = {line.email for line in lines}
    found = organization.memberships.filter(user__email__in=emails).select_related("user", "organization")
    member_of = {member.user.email: member for member in found}
    wishes: dict[int, Wish] = {}  # by the number of the line
    entries: dict[int, Entry] = {}
    seen: set[str] = set()
    for position, line in enumerate(lines):
        member, quota_ns = member_of.get(line.email), default.quota_ns if line.quota_ns is None else line.quota_ns
        problem = line.problem or problem_of(line, quota_ns, seen)
        seen.add(line.email)
        if problem or member is None:
            entries[position] = Entry(line, is_stranger=not problem, problem=problem)
        elif quota_ns is not None:
            wishes[position] = Wish(member, quota_ns, line.start or default.start, line.end or default.end)
    assignments = plan(token, list(wishes.values()), now)
    for position, assignment in zip(wishes, assignments, strict=True):
        entries[position] = Entry(lines[position], assignment)
    return [entries[position] for position in range(len(lines))]


def problem_of(line: Line, quota_ns: int | None, seen: set[str]) -> str:
    if problem := problem_with(line.email):
        return problem
    if line.email in seen:
        return _("stands further up already")
    return _("No quota is given, neither here nor below for everybody.") if quota_ns is None else ""


def lines_of(text: str) -> Iterator[Line]:
    """The people named in the text, in order. A first line of headings says which column is which."""
    headings: dict[str, int] = {}
    for number, typed in enumerate(text.splitlines(), start=1):
        if len(typed) > LONGEST:
            yield Line(number, f"{typed[:40]}…", problem=_("This line is too long."))
            continue
        cells = cells_of(typed)
        if not any(cells):
            continue
        if number == 1 and "@" not in typed and HEADING_OF_EMAIL.search(typed):
            headings = {heading.lower(): column for column, heading in enumerate(cells)}
            continue
        yield from lines_in(number, typed.strip(), cells, headings)


def cells_of(line: str) -> list[str]:
    # Commas last: they stand in decimals where spreadsheets write semicolons.
    delimiter = next((sign for sign in "\t;" if sign in line), ",")
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]


def lines_in(number: int, typed: str, cells: list[str], headings: dict[str, int]) -> Iterator[Line]:
    named = [cell for cell in cells if "@" in cell]
    if len(named) > 1:  # nothing but people
        yield from (Line(number, cell, address_in(cell)) for cell in named)
        return
    email = address_in(named[0]) if named else ""

    def cell_called(heading: str) -> str:
        column = headings.get(heading)
        return cells[column] if column is not None and column < len(cells) else ""

    quota = cell_called("quota") if headings else next(filter(STARTS_LIKE_A_DURATION.match, cells_after(cells)), "")
    if "quota" in headings and not quota:
        return  # a row of an export of somebody without one
    sign = "." if "quota_ns" in headings else decimal_sign()  # exports are the same in all languages
    try:
        yield Line(
            number,
            typed,
            email,
            duration_in(quota, sign) if quota else None,
            moment_in(cell_called("starts_at"), is_end=False),
            moment_in(cell_called("ends_at"), is_end=True),
        )
    except ValueError as error:
        yield Line(number, typed, email, problem=str(error))


def cells_after(cells: list[str]) -> Iterator[str]:
    """The cells that follow the address."""
    position = next((position for position, cell in enumerate(cells) if "@" in cell), len(cells))
    return iter(cells[position + 1 :])


def duration_in(text: str, sign: str) -> int:
    ns = parse(text, sign)
    if ns > MAX_NS:
        raise ValueError(_("This quota is too large."))
    return ns


def moment_in(text: str, *, is_end: bool) -> datetime | None:
    """A moment as an export has it, or a day, of which the last one counts whole."""
    if not text:
        return None
    try:
        day: date | None = parse_date(text)
        if day is not None:
            return midnight(day) + timedelta(days=int(is_end))
        moment = parse_datetime(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ValueError(_("%(text)s is no date such as 2027-03-31.") % {"text": text[:40]})
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def people_text(members: list[Membership]) -> str:
    """The list that names these members."""
    return "\n".join(member.user.email for member in members)
