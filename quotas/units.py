"""Durations as people say them. Inside, they are whole nanoseconds everywhere."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache

from django.utils.formats import get_format
from django.utils.translation import get_language

UNITS = (("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000))


def human(ns: int, rounding: str = ROUND_HALF_EVEN) -> str:
    """Nanoseconds in the largest unit that fits, with three significant digits: 15148020 -> "15.1 ms"."""
    three_digits = Context(prec=3, rounding=rounding)
    for unit, size in UNITS:
        value = three_digits.divide(Decimal(ns), Decimal(size))
        if abs(value) >= 1:
            return f"{value.normalize():,f} {unit}"
    return f"{ns} ns" if ns else "0 s"


def decimal_sign() -> str:
    """What stands before decimals in the active language: a point in English, a comma in German."""
    return str(get_format("DECIMAL_SEPARATOR"))


def localized(figures: str) -> str:
    """Figures as the active language writes them: 1,234.5 ms -> 1.234,5 ms in German."""
    return figures.translate(signs(get_language()))


@cache  # pages show hundreds of figures
def signs(_language: str | None) -> dict[int, str]:
    return {ord("."): decimal_sign(), ord(","): str(get_format("THOUSAND_SEPARATOR"))}
