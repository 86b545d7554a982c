"""Results as tables in Markdown, with the date and the machine that they hold for."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median


def heading(title: str) -> str:
    model = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    version = ".".join(map(str, sys.version_info[:2]))
    return f"\n### {title}\n\n{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} x {model}, Python {version}.\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ratio(values: Sequence[float], references: Sequence[float]) -> str:
    """The median of ratios round by round, and their range."""
    ratios = sorted(value / reference for value, reference in zip(values, references, strict=True))
    return f"{median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def microseconds(values: Sequence[float]) -> str:
    return f"{median(values) * 1e6:.0f}"


def count(values: Sequence[float]) -> str:
    return f"{median(values):.0f}"
