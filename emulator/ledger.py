"""What really ran, and what D-Wave would deduct for it: the truth that a portal's books are compared with."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One completed problem. Nanoseconds: what its answer says, and that divided by the solver's conversion rate."""

    problem_id: str
    token: str
    solver: str
    label: str | None
    charged_ns: int
    deducted_ns: int


class Ledger:
    """Only grows; one entry per problem that has run, whether or not anybody fetched its answer."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def book(self, entry: Entry) -> None:
        self._entries.append(entry)

    def entries(self, token: str | None = None) -> list[Entry]:
        """The entries of one token, or all, in the order in which they ran."""
        return [entry for entry in self._entries if token in (None, entry.token)]

    def report(self, tokens: Iterable[str]) -> dict[str, Any]:
        """Sums per token, and the entries they are made of."""
        return {token: _summary(self.entries(token)) for token in tokens}


def nanoseconds(microseconds: float) -> int:
    """D-Wave's times have hundredths of a microsecond; here they are exact."""
    return round(microseconds * 1000)


def _summary(entries: list[Entry]) -> dict[str, Any]:
    return {
        "problems": len(entries),
        "charged_ns": sum(entry.charged_ns for entry in entries),
        "deducted_ns": sum(entry.deducted_ns for entry in entries),
        "entries": [asdict(entry) for entry in entries],
    }
