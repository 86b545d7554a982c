"""What can be changed while the emulator runs."""

import asyncio
import math
from dataclasses import dataclass, field, fields
from typing import Any


def _signal() -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


@dataclass
class Settings:
    """How slow, how exact and how available the emulated service is. Durations are seconds."""

    pace: float = 1.0  # share of its access time that a run takes on the clock; 0: as fast as it can
    queue_delay: float = 0.0  # every problem stays PENDING at least so long
    run_delay: float = 0.0  # every run takes so much longer on the clock, not in timing
    submit_wait: float = 0.0  # a submit waits so long for answers and returns those it has
    timing_factor: float = 1.0  # what runs cost, as a multiple of the estimate
    jitter: float = 0.0  # 0.03: what runs cost differs from the estimate by up to 3 %
    any_token: bool = False  # whether a token is valid that nobody has named, until it is revoked
    max_open: int = 1000  # problems that one token may have in the queue
    paused: bool = False  # no problem begins to run
    offline: list[str] = field(default_factory=list)  # names of solvers that are OFFLINE

    def __post_init__(self) -> None:
        self._changed = _signal()

    def change(self, changes: dict[str, Any]) -> None:
        """Set some of them; ValueError, and nothing is changed, where a name or a type is wrong."""
        current = self.as_dict()
        for name, value in changes.items():
            if name not in current:
                raise ValueError(f"no such setting: {name}")
            kind = type(current[name])
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise ValueError(f"{name} must be a {kind.__name__}")
        for name, value in changes.items():
            setattr(self, name, value)
        self._changed.set_result(None)
        self._changed = _signal()

    def as_dict(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    async def sleep(self, seconds: float, *, until: "asyncio.Future[None]") -> None:
        """Wait so many seconds (`inf` is for ever), but no longer than to the next change or the end of `until`."""
        timeout = None if seconds == math.inf else seconds
        await asyncio.wait({self._changed, until}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
