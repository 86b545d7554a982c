"""Takes jobs that ended months ago out of the ledger and into files, so that the database stays small.

Each file is one transaction: its lines are written, added up (ArchivedUsage) and deleted together. Whatever kills it
leaves all lines in the ledger, and at most a file that no row knows of; the next run goes on. So nothing is lost or
counted twice, and `check_ledger` holds all the time. Durations are nanoseconds.
"""

import gzip
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum

from accounts.models import User
from audit import log
from audit.models import Event

from .daily import day_of
from .models import Archive, ArchivedUsage, Usage
from .pseudonyms import pseudonym_of

MOST_LINES = 5000  # in a file, and so in a transaction

COLUMNS = [field.attname for field in Usage._meta.concrete_fields]
# What tells sums apart: by these, policies and days are proven.
KEY = (
    "organization_id",
    "token_id",
    "user_id",
    "day",
    "solver",
    "source",
    "user_email",
    "token_name",
    "group_policy_id",
    "user_policy_id",
)
# Addresses of people who are erased stay in files, and nowhere else.
KEY_OF_FILES = tuple(name for name in KEY if name != "user_email")

Line = dict[str, Any]
Sums = dict[tuple[Any, ...], tuple[int, int]]
# What else is known of jobs, by the ids of their lines; it goes with them.
Beside = Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]


def archive(*, before: date, folder: Path, beside: Beside, now: datetime) -> Iterator[Archive]:
    """Archive the lines that were closed before a month, given by its first day. Yields each file when it is done."""
    if before > first_to_keep(now):
        raise ValidationError(
            f"This month and the last one stay in the ledger: nothing from {first_to_keep(now):%Y-%m}."
        )
    closed = Usage.objects.filter(closed_at__lt=datetime(before.year, before.month, 1, tzinfo=UTC)).order_by("pk")
    last = 0
    while pks := list(closed.filter(pk__gt=last).values_list("pk", "created_at")[:MOST_LINES]):
        for month, group in groupby(sorted(pks, key=lambda row: month_of(row[1])), key=lambda row: month_of(row[1])):
            if written := archive_lines([pk for pk, _ in group], month, folder, beside, now):
                yield written
        last = max(pk for pk, _ in pks)


def first_to_keep(now: datetime) -> date:
    """The first day of last month. Jobs that ended before it do not change any more, whatever D-Wave says yet."""
    this_month = month_of(now)
    return this_month.replace(month=this_month.month - 1) if this_month.month > 1 else date(this_month.year - 1, 12, 1)


def month_of(moment: datetime) -> date:
    return day_of(moment).replace(day=1)


@transaction.atomic
def archive_lines(pks: Sequence[int], month: date, folder: Path, beside: Beside, now: datetime) -> Archive | None:
    """Move lines from the ledger into a file of their own; None if somebody else has moved them."""
    found = list(Usage.objects.select_for_update().filter(pk__in=pks).order_by("pk").values(*COLUMNS))
    if not found:
        return None
    more = beside([line["id"] for line in found])
    lines = [line | dict(more.get(line["id"], {})) for line in found]
    name = f"usage-{month:%Y-%m}-{lines[0]['id']:012}.jsonl.gz"
    sums = add_up(lines, KEY)
    written = Archive.objects.create(
        file=name,
        sha256=write(folder / name, lines),
        month=month,
        lines=len(lines),
        settled_ns=sum(total_ns for total_ns, _ in sums.values()),
        written_at=now,
    )
    ArchivedUsage.objects.bulk_create(rows_of(written, sums), batch_size=500)
    Usage.objects.filter(pk__in=[line["id"] for line in lines]).delete()
    log.record(
        Event.Action.USAGE_ARCHIVED,
        by=None,
        target=written,
        lines=written.lines,
        settled_ns=written.settled_ns,
        sha256=written.sha256,
    )
    return written


def write(path: Path, lines: Iterable[Line]) -> str:
    """Write lines into a compressed file that is there as a whole and on the disk, or not at all; its SHA-256."""
    data = gzip.compress(b"".join(orjson.dumps(line) + b"\n" for line in lines), mtime=0)
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
    return hashlib.sha256(data).hexdigest()


def sync_folder(folder: Path) -> None:
    """Have the names in it on the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> list[Line]:
    """The lines of an archive, as the ledger had them; moments are text."""
    return [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def read_back(folder: Path, *, since: date, until: date, organization_id: int | None = None) -> Iterator[Line]:
    """Archived lines of the months from `since` to `until`, given by their first days; by default everybody's.

    Each file is proven before its lines come: ValidationError where it is not what stands for it in the ledger. Who was
    erased after a file was written has no address in it any more.
    """
    for written in Archive.objects.filter(month__range=(since, until)).order_by("month", "file"):
        if message := trouble_with(folder, written):
            raise ValidationError(str(Trouble(written.file, message)))
        lines = read(folder / written.file)
        known = set(User.objects.filter(pk__in={line["user_id"] for line in lines}).values_list("pk", flat=True))
        for line in lines:
            if organization_id in {None, line["organization_id"]}:
                user_id = line["user_id"]
                yield line if user_id in known else line | {"user_email": pseudonym_of(user_id)}


def add_up(lines: Iterable[Line], key: Sequence[str]) -> Sums:
    """What settled lines have cost, and how many they are."""
    sums: Sums = defaultdict(lambda: (0, 0))
    for line in lines:
        if line["status"] == Usage.Status.SETTLED:
            group = tuple(day_of_line(line) if name == "day" else line[name] for name in key)
            total_ns, jobs = sums[group]
            sums[group] = (total_ns + line["access_time_ns"], jobs + 1)
    return dict(sums)


def day_of_line(line: Line) -> date:
    created_at = line["created_at"]
    return day_of(datetime.fromisoformat(created_at) if isinstance(created_at, str) else created_at)


def rows_of(written: Archive, sums: Sums) -> Iterator[ArchivedUsage]:
    for key, (total_ns, jobs) in sums.items():
        yield ArchivedUsage(archive=written, total_ns=total_ns, total_jobs=jobs, **dict(zip(KEY, key, strict=True)))


# --- Proof ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a file."""

    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


def prove(folder: Path) -> tuple[int, list[Trouble]]:
    """How many files there must be, and which of them are not what stands for them in the ledger."""
    archives = {written.file: written for written in Archive.objects.all()}
    wrong = [Trouble(name, message) for name, written in archives.items() if (message := trouble_with(folder, written))]
    strangers = {path.name for path in folder.glob("usage-*")} - archives.keys()
    wrong += [Trouble(name, "is no archive: its lines are in the ledger. Delete it.") for name in sorted(strangers)]
    return len(archives), wrong


def trouble_with(folder: Path, written: Archive) -> str:
    """What is wrong with an archive; empty if nothing is."""
    path = folder / written.file
    if not path.is_file():
        return "is missing. Get it from your backup."
    if hashlib.sha256(path.read_bytes()).hexdigest() != written.sha256:
        return "was changed. Get it from your backup."
    rows = written.sums.values_list(*KEY_OF_FILES).annotate(Sum("total_ns"), Sum("total_jobs"))
    if add_up(read(path), KEY_OF_FILES) != {tuple(group): (int(ns), int(jobs)) for *group, ns, jobs in rows}:
        return "adds up to something else than what stands for it in the ledger."
    return ""
