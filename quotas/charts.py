"""Stacked bars as SVG: where each rectangle lies, and what stands beside it. Pure; templates/_chart.html draws it.

A chart is STEP units wide for each bar and 100 high, whatever its size on the screen. Values are nanoseconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .periods import Span
from .units import UNITS, human, localized

STEP, WIDTH, HEIGHT = 10, 8, 100
# Tops of the scale, in units of the largest that fits, such that their halves read well too.
TOPS = (1, 2, 3, 4, 6, 10, 20, 30, 40, 60, 100, 200, 400, 600, 1000)


@dataclass(frozen=True)
class Bar:
    """One rectangle, in the chart's units as SVG takes them, and what it stands for."""

    x: str
    y: str
    height: str
    label: str


@dataclass(frozen=True)
class Series:
    """One colour of a chart: `number` says which."""

    name: str
    number: int
    total_ns: int
    bars: list[Bar]


@dataclass(frozen=True)
class Chart:
    parts: Sequence[Span]
    series: list[Series]
    rows: list[tuple[Span, list[int], int]]
    top_ns: int

    @property
    def width(self) -> int:
        return STEP * len(self.parts)

    @property
    def total_ns(self) -> int:
        return sum(series.total_ns for series in self.series)

    @property
    def half_ns(self) -> int:
        return self.top_ns // 2

    @property
    def ticks(self) -> list[Span]:
        """What is written below it: the first, a middle and the last part."""
        return list(dict.fromkeys([self.parts[0], self.parts[len(self.parts) // 2], self.parts[-1]]))


def stacked(parts: Sequence[Span], values: Mapping[str, Mapping[Span, int]]) -> Chart:
    """A bar for each part; `values` has nanoseconds by name of the series (the lowest first) and by part."""
    sums = {part: sum(series.get(part, 0) for series in values.values()) for part in parts}
    top_ns = top_of_scale(max(sums.values(), default=0))
    below = dict.fromkeys(parts, 0)
    series = []
    for number, (name, by_part) in enumerate(values.items(), start=1):
        bars = []
        for place, part in enumerate(parts):
            if ns := by_part.get(part, 0):
                below[part] += ns
                bars.append(bar(place, part, name, ns, below[part], top_ns))
        series.append(Series(name, number, sum(by_part.values()), bars))
    rows = [(part, [by_part.get(part, 0) for by_part in values.values()], sums[part]) for part in parts]
    return Chart(parts, series, rows, top_ns)


def bar(place: int, part: Span, name: str, ns: int, up_to_ns: int, top_ns: int) -> Bar:
    x = place * STEP + (STEP - WIDTH) / 2
    y, height = HEIGHT - HEIGHT * up_to_ns / top_ns, HEIGHT * ns / top_ns
    return Bar(f"{x:g}", f"{y:.3f}", f"{height:.3f}", f"{part}, {name}: {localized(human(ns))}")


def top_of_scale(most_ns: int) -> int:
    """A round duration that is not less than the longest bar."""
    for _unit, size in UNITS:
        if most_ns >= size:
            return next((top * size for top in TOPS if top * size >= most_ns), most_ns)
    return 1000
