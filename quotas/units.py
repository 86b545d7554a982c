"""Durations as people say them. Inside, they are whole nanoseconds everywhere."""

UNITS = (("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000))


def human(ns: int) -> str:
    """Nanoseconds in the largest unit that fits, with three significant digits: 15148020 -> "15.1 ms"."""
    for position, (unit, size) in enumerate(UNITS):
        if abs(ns) >= size:
            value = float(f"{ns / size:.3g}")
            if position and value * size >= UNITS[position - 1][1]:  # 999.9 ms is 1 s when rounded
                unit, size = UNITS[position - 1]
                value = float(f"{ns / size:.3g}")
            return f"{value:,g} {unit}" if value < 1e6 else f"{value:,.0f} {unit}"
    return f"{ns} ns"
