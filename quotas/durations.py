"""Durations as people type them: "30 s", "1.5 min", "250 ms". Exact both ways; quotas.units rounds for reading."""

import re
from decimal import Context, Decimal, Inexact, localcontext

from django.utils.translation import gettext as _

from .units import UNITS, localized

SIZES = {**dict(UNITS), "ns": 1}
# Other words for the same. One is "μs" with the Greek letter, which looks like the sign for micro.
SAME = {
    "h": ["hr", "hrs", "hour", "hours", "std"],
    "min": ["m", "mins", "minute", "minutes"],
    "s": ["sec", "secs", "second", "seconds", "sek"],
    "ms": ["millisecond", "milliseconds"],
    "µs": ["us", "\u03bcs", "microsecond", "microseconds"],
    "ns": ["nanosecond", "nanoseconds"],
}
UNIT_OF = {word: unit for unit, words in SAME.items() for word in (unit, *words)}
PART = re.compile(r"([0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)\s*([^\W\d_]*)\s*")
LONGEST = 60
EXACTLY = Context(prec=2 * LONGEST, traps=[Inexact])
# No job on a QPU is as short as a millisecond: who types a smaller number has forgotten the unit.
LEAST_WITHOUT_UNIT = 1_000_000


def parse(text: str, decimal_sign: str = ".") -> int:
    """Whole nanoseconds; a number alone is nanoseconds already. ValueError, with words for people, for all else.

    Points and commas are both understood before decimals; `decimal_sign` is what the reader's language has there. The
    other one is refused before three digits, for in that language it stands between thousands.
    """
    text = text.strip().lower()
    if len(text) > LONGEST:
        raise ValueError(_("This is too long for a duration. Type one such as 30 s."))
    parts = PART.findall(text)
    if not parts or PART.sub("", text):
        raise ValueError(_("Type a duration such as 30 s, 1.5 min, 2 h or 250 ms."))
    if len(parts) == 1 and not parts[0][1]:
        return without_unit(parts[0][0])
    with localcontext(EXACTLY):
        total = sum((decimal(number, decimal_sign) * SIZES[unit_called(word)] for number, word in parts), Decimal())
    if total != int(total):
        raise ValueError(_("This is finer than a nanosecond, the smallest step there is."))
    return int(total)


def without_unit(number: str) -> int:
    if not number.isdecimal() or 0 < int(number) < LEAST_WITHOUT_UNIT:
        raise ValueError(_("%(number)s of what? Add a unit, such as %(number)s s.") % {"number": number})
    return int(number)


def decimal(number: str, sign: str) -> Decimal:
    whole, other, digits = number.partition("," if sign == "." else ".")
    if other and len(digits) == 3:
        raise ValueError(
            _("Type %(whole)s or %(fraction)s: %(number)s could mean either.")
            % {"whole": whole + digits, "fraction": whole + sign + digits, "number": number}
        )
    return Decimal(number.replace(",", "."))


def unit_called(word: str) -> str:
    try:
        return UNIT_OF[word]
    except KeyError:
        raise ValueError(_("Units are h, min, s, ms, µs and ns.")) from None


def exact(ns: int) -> str:
    """The duration in the unit that people would choose, without rounding and with a point: what `parse` takes back."""
    if ns == 0:
        return "0 s"
    for unit, size in UNITS:
        # Hours and minutes only where two decimals say it all; the smaller units are powers of ten.
        if ns >= size and (100 * ns % size == 0 or unit not in {"h", "min"}):
            with localcontext(EXACTLY):
                return f"{(Decimal(ns) / size).normalize():f} {unit}"
    return f"{ns} ns"


def typed(ns: int) -> str:
    """The same as people type it in the active language: what `parse` takes back with its `decimal_sign`."""
    return localized(exact(ns))
