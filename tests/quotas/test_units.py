from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotas.policies import MAX_NS
from quotas.units import UNITS, human

SIZES = {"ns": 1} | dict(UNITS)


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0 s"),
        (1, "1 ns"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (1_500, "1.5 µs"),
        (15_148_020, "15.1 ms"),
        (999_499_999, "999 ms"),
        (999_900_000, "1 s"),
        (1_000_000_000, "1 s"),
        (59_900_000_000, "59.9 s"),
        (59_999_000_000, "1 min"),
        (90_000_000_000, "1.5 min"),
        (3_599_999_000_000, "1 h"),
        (3_600_000_000_000, "1 h"),
        (365 * 24 * 3_600_000_000_000, "8,760 h"),
        (MAX_NS, "2,560,000 h"),
        (-15_148_020, "-15.1 ms"),
    ],
)
def test_it_takes_the_largest_unit_and_three_digits(ns, words):
    assert human(ns) == words


def in_ns(words):
    number, unit = words.split()
    return Decimal(number.replace(",", "")) * SIZES[unit]


@given(ns=st.integers(0, MAX_NS))
def test_it_is_right_to_half_a_percent(ns):
    assert abs(in_ns(human(ns)) - ns) <= Decimal(ns) / 200


@given(ns=st.integers(0, MAX_NS))
def test_it_rounds_as_told(ns):
    assert in_ns(human(ns, ROUND_FLOOR)) <= ns <= in_ns(human(ns, ROUND_CEILING))
