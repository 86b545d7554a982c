"""Lay a usage report of D-Wave Leap beside the ledger."""

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from organizations.models import Organization
from quotas.leap import (
    SYNONYMS,
    UNIT_WORDS,
    Drift,
    Reading,
    Row,
    UnreadableReport,
    compare,
    on_days,
    per_day,
    read_report,
)
from quotas.models import Usage
from quotas.units import human
from tokens.models import Provider

COLUMNS = ("day", "Leap", "portal", "difference", "exactly", "jobs", "")
WIDTHS = (-10, 10, 10, 10, 22, 15, -5)


class CannotCompare(CommandError):
    """Not drift, which is 1: nothing was compared."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class Command(BaseCommand):
    help = (
        "Compare a usage report exported from D-Wave Leap (CSV, daily) with the ledger, day by day (UTC). "
        "Stores nothing. Exits 1 where a day differs, 2 if nothing could be compared."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--organization", metavar="SLUG", help="May be left out if there is only one.")
        parser.add_argument(
            "--token", action="append", metavar="NAME", help="Only jobs on this group token; repeatable."
        )
        parser.add_argument("--solver", action="append", help="Only this solver, on both sides; repeatable.")
        parser.add_argument("--since", type=date.fromisoformat, metavar="DAY", help="First day; the report's if empty.")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DAY", help="Last day, included.")
        parser.add_argument(
            "--tolerance",
            type=percent,
            default=Decimal("0.1"),
            metavar="PERCENT",
            help="By how much a day may differ, besides what rounding in the report explains (%(default)s).",
        )
        for kind in SYNONYMS:
            parser.add_argument(
                f"--{kind}-column", metavar="HEADING", help=f"Which column of the report is the {kind}."
            )
        parser.add_argument("--unit", type=unit, help="In which unit the report tells times: ns, us, ms, s, min or h.")
        parser.add_argument("--date-format", metavar="FORMAT", help="Form of the report's dates, such as %%d.%%m.%%Y.")
        parser.add_argument("--json", action="store_true", help="Answer in JSON.")

    def handle(self, **options: Any) -> None:
        jobs = jobs_of(find_organization(options["organization"]), options["token"], options["solver"])
        try:
            rows = chosen(read_report(read(options["file"]), reading_of(options)), options["solver"])
        except UnreadableReport as error:
            raise CannotCompare(str(error)) from None
        first, last = days_to_compare(rows, options["since"], options["until"])
        rows = [row for row in rows if first <= row.day <= last]
        drifts = compare(rows, per_day(on_days(jobs, first, last)))
        self.tell(drifts, options["tolerance"], as_json=options["json"])

    def tell(self, drifts: dict[date, Drift], tolerance: Decimal, *, as_json: bool) -> None:
        total = reduce(add, drifts.values(), Drift())
        differing = [day for day, drift in drifts.items() if not drift.is_within(tolerance)]
        if as_json:
            days = [{"day": str(day), **facts(drift), "agrees": day not in differing} for day, drift in drifts.items()]
            self.stdout.write(json.dumps({"days": days, "sum": facts(total), "agrees": not differing}, indent=2))
        else:
            self.stdout.write(aligned(COLUMNS))
            for day, drift in drifts.items():
                self.stdout.write(aligned((str(day), *cells(drift), "DRIFT" if day in differing else "")))
            self.stdout.write(aligned(("sum", *cells(total), "")))
        if differing:
            raise CommandError(what_differs(len(differing), len(drifts), total, tolerance))
        if not as_json:
            self.stdout.write(f"Leap and the ledger agree on every day ({len(drifts)}).")


# --- What is asked for ------------------------------------------------------------------------------------------------


def percent(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?", text) or Decimal(text) > 100:
        raise argparse.ArgumentTypeError("must be a number from 0 to 100.")
    return Decimal(text)


def unit(word: str) -> str:
    for name, words in UNIT_WORDS.items():
        if word.casefold() in words:
            return name
    raise argparse.ArgumentTypeError("must be ns, us, ms, s, min or h.")


def reading_of(options: dict[str, Any]) -> Reading:
    named = {kind: options[f"{kind}_column"] for kind in SYNONYMS if options[f"{kind}_column"]}
    return Reading(columns=named, unit=options["unit"], date_format=options["date_format"])


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CannotCompare(f"{file} cannot be read: {error.strerror}.") from None


def find_organization(slug: str | None) -> Organization:
    found = list(Organization.objects.filter(**{"slug": slug} if slug else {})[:2])
    if len(found) == 1:
        return found[0]
    if slug:
        raise CannotCompare(f"There is no organization “{slug}”.")
    raise CannotCompare("Say which organization with --organization.")


def jobs_of(organization: Organization, names: Sequence[str] | None, solvers: Sequence[str] | None) -> QuerySet[Usage]:
    """The organization's jobs on these tokens, or on all that are for D-Wave, those that are deleted among them."""
    jobs = Usage.objects.filter(organization_id=organization.pk)
    if solvers:
        jobs = jobs.filter(solver__in=solvers)
    tokens = organization.qpu_tokens
    if names is None:
        return jobs.exclude(token_id__in=tokens.exclude(provider=Provider.DWAVE).values("pk"))
    ids = dict(tokens.filter(provider=Provider.DWAVE).values_list("name", "pk"))
    if unknown := [name for name in names if name not in ids]:
        raise CannotCompare(f"No group token for D-Wave is named “{unknown[0]}”. There are: {', '.join(sorted(ids))}.")
    return jobs.filter(token_id__in=[ids[name] for name in names])


def chosen(rows: list[Row], solvers: Sequence[str] | None) -> list[Row]:
    if not solvers:
        return rows
    if any(row.solver is None for row in rows):
        raise UnreadableReport("The report does not tell the solver. Say which column does with --solver-column.")
    return [row for row in rows if row.solver in solvers]


def days_to_compare(rows: Sequence[Row], since: date | None, until: date | None) -> tuple[date, date]:
    days = [row.day for row in rows]
    first, last = since or min(days, default=None), until or max(days, default=None)
    if first is None or last is None:
        raise CannotCompare("The report has no rows. Say which days to compare with --since and --until.")
    if first > last:
        raise CannotCompare(f"There is no day from {first} to {last}.")
    return first, last


# --- What is answered -------------------------------------------------------------------------------------------------


def cells(drift: Drift) -> tuple[str, ...]:
    jobs = f"{drift.portal_jobs:,}" if drift.leap_jobs is None else f"{drift.leap_jobs:,} / {drift.portal_jobs:,}"
    times = (human(drift.leap_ns), human(drift.portal_ns), human(drift.difference_ns))
    return (*times, f"{drift.difference_ns:+,} ns", jobs)


def aligned(row: Sequence[str]) -> str:
    """Cells in columns; those of a negative width begin at the left."""
    return "  ".join(
        cell.ljust(-width) if width < 0 else cell.rjust(width) for cell, width in zip(row, WIDTHS, strict=True)
    ).rstrip()


def facts(drift: Drift) -> dict[str, Any]:
    return {**asdict(drift), "difference_ns": drift.difference_ns}


def what_differs(differing: int, days: int, total: Drift, tolerance: Decimal) -> str:
    lines = [f"{differing} of {days} days differ by more than {tolerance} % and the report's rounding."]
    if total.is_within(tolerance):
        lines.append("The sums agree, so jobs around midnight may count for another day at Leap.")
    elif total.difference_ns < 0:
        lines.append("Leap has more: was the token used without the portal?")
    else:
        lines.append("The ledger has more: is the report of all users, solvers and projects of the token?")
    if total.open_jobs:
        lines.append(f"{total.open_jobs} jobs of these days are still open.")
    return "\n".join(lines)
