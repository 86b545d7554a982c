"""Faults on demand: which requests go wrong, and how."""

import random
from dataclasses import dataclass, fields
from typing import Any, Literal

OPERATIONS = {
    "solvers": "the list of solvers",
    "solver": "one solver",
    "submit": "a submit",
    "item": "one problem of a submit",
    "poll": "statuses of given problems",
    "list": "all problems of a token",
    "problem": "one problem with its answer",
    "info": "all about one problem",
    "answer": "the answer alone",
    "data": "the binary answer",
    "messages": "messages of a problem",
    "cancel": "cancelling one or many",
    "upload": "all requests of an upload",
    "any": "all of these except item",
}
INTERRUPTIONS = ("status", "html", "drop", "hang", "delay")  # before or after the request is acted on
SPOILERS = ("no_version", "not_json", "cut", "wrong_ids", "missing_ids", "no_timing")  # of an answer, so after
ITEM_FAULTS = ("refuse", "fail")  # of one problem in a submit
PROJECT_IS_EMPTY = "Problem not accepted because user has insufficient remaining solver access time in project Emulated"


@dataclass
class Fault:
    """One kind of trouble with one kind of request. See docs/emulator.md for the kinds."""

    on: str
    kind: str
    when: Literal["before", "after"] = "before"
    times: int | None = 1  # None: until faults are cleared
    skip: int = 0  # so many matching requests go well first
    share: float = 1.0  # the probability that a matching request is hit
    token: str | None = None  # only requests with this token
    status: int = 0  # by default 403 for a refusal, else 503
    retry_after: int | None = None
    message: str = ""
    seconds: float = 60.0

    def __post_init__(self) -> None:
        kinds = ITEM_FAULTS if self.on == "item" else INTERRUPTIONS + SPOILERS
        if self.on not in OPERATIONS or self.kind not in kinds:
            raise ValueError(f"no such fault: {self.kind} on {self.on}")
        if self.when not in ("before", "after"):
            raise ValueError("when is before or after")
        if self.kind in SPOILERS:
            self.when = "after"
        refuses = self.kind == "refuse"
        self.status = self.status or (403 if refuses else 503)
        self.message = self.message or (PROJECT_IS_EMPTY if refuses else "Emulated fault")

    @classmethod
    def read(cls, raw: Any) -> "Fault":
        """A fault from JSON; ValueError where it makes none."""
        names = {each.name for each in fields(cls)}
        if not isinstance(raw, dict) or not {"on", "kind"} <= raw.keys() <= names:
            raise ValueError(f"a fault has on and kind, and any of {', '.join(sorted(names - {'on', 'kind'}))}")
        return cls(**raw)

    def matches(self, operation: str, token: str) -> bool:
        covers = self.on == operation or (self.on == "any" and operation != "item")
        return covers and self.times != 0 and self.token in (None, token)


class Faults:
    """The faults that are set, in the order in which they were set."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.all: list[Fault] = []

    def take(self, operation: str, token: str) -> Fault | None:
        """The fault that hits this request, if any, counted down."""
        for fault in self.all:
            if fault.matches(operation, token) and self._rng.random() < fault.share:
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
