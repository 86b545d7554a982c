"""Durations are typed as people say them, and nothing is lost on the way in or out."""

import re
from contextlib import suppress
from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from quotas.durations import SIZES, exact, parse, typed
from quotas.policies import MAX_NS
from quotas.units import decimal_sign

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("30 s", 30 * SECOND),
        ("30s", 30 * SECOND),
        (" 2 h ", 7200 * SECOND),
        ("1.5 min", 90 * SECOND),
        ("1,5 min", 90 * SECOND),
        (".5 s", SECOND // 2),
        ("250 ms", SECOND // 4),
        ("100 µs", 100_000),
        ("100 us", 100_000),
        ("100 \u03bcs", 100_000),  # with the Greek letter
        ("100 \u00b5S", 100_000),  # with the sign for micro
        ("7 ns", 7),
        ("10 Seconds", 10 * SECOND),
        ("2 Std", 7200 * SECOND),
        ("1 h 30 min", 5400 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("0", 0),
        ("0 s", 0),
        ("10000000000", 10 * SECOND),
        ("9223372036854775807 ns", MAX_NS),
        ("9223372036.854775807 s", MAX_NS),
        ("0.000000001 s", 1),
    ],
)
def test_it_understands_what_people_type(text, ns):
    assert parse(text) == ns


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Type a duration such as"),
        ("soon", "Type a duration such as"),
        ("-5 s", "Type a duration such as"),
        ("5 s!", "Type a duration such as"),
        ("1e9 s", "Units are"),
        ("10 parsecs", "Units are"),
        ("1 h 30", "Units are"),
        ("30", "30 of what? Add a unit, such as 30 s."),
        ("1.5", "1.5 of what?"),
        ("999999", "of what?"),
        ("1,000 s", "Type 1000 or 1.000: 1,000 could mean either."),
        ("1,000,000 s", "Type"),
        ("0.5 ns", "finer than a nanosecond"),
        ("0.0000000001 s", "finer than a nanosecond"),
        ("٣ s", "Type a duration such as"),  # digits, but not ours
        ("9" * 70, "too long"),
    ],
)
def test_it_says_what_is_wrong(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(text)


class TestWhereCommasStandBeforeDecimals:
    @pytest.mark.parametrize(
        ("text", "ns"),
        [
            ("1,5 min", 90 * SECOND),
            ("1.5 min", 90 * SECOND),
            (",5 s", SECOND // 2),
            ("1,000 s", SECOND),
            ("15,148 ms", 15_148_000),
            ("15.14802 ms", 15_148_020),
            ("1 h 2,25 min", 3735 * SECOND),
        ],
    )
    def test_points_are_understood_as_well(self, text, ns):
        assert parse(text, ",") == ns

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("1.000 s", "Type 1000 or 1,000: 1.000 could mean either."),
            ("15.148 ms", "Type 15148 or 15,148: 15.148 could mean either."),
            ("1.000,5 s", "Type 1000 or 1,000"),
        ],
    )
    def test_but_not_where_they_may_stand_between_thousands(self, text, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            parse(text, ",")

    @given(st.integers(0, MAX_NS))
    def test_what_is_shown_is_read_back_to_the_nanosecond(self, ns):
        with translation.override("de"):
            assert parse(typed(ns), decimal_sign()) == ns

    def test_messages_speak_german_too(self):
        with translation.override("de"), pytest.raises(ValueError, match="30 s, 1,5 min, 2 h oder 250 ms"):
            parse("bald", ",")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (7, "7 ns"),
        (1_500, "1.5 µs"),
        (15_148_020, "15.14802 ms"),
        (10 * SECOND, "10 s"),
        (61 * SECOND, "61 s"),
        (90 * SECOND, "1.5 min"),
        (60 * SECOND + 1, "60.000000001 s"),
        (3600 * SECOND, "1 h"),
        (86_400 * SECOND, "24 h"),
        (MAX_NS, "9223372036.854775807 s"),
    ],
)
def test_it_shows_the_unit_that_people_would_choose(ns, text):
    assert exact(ns) == text


@given(st.integers(0, MAX_NS))
def test_what_is_shown_is_read_back_to_the_nanosecond(ns):
    assert parse(exact(ns)) == ns


@given(st.integers(0, MAX_NS), st.sampled_from(sorted(SIZES)))
def test_every_unit_holds_every_duration_that_it_can(ns, unit):
    number = Decimal(ns // SIZES[unit])

    assert parse(f"{number} {unit}") == ns - ns % SIZES[unit]


@given(st.text(alphabet=st.sampled_from("0123456789.,- hminsµuμ\u0663²x\n") | st.characters(), max_size=70))
def test_whatever_is_typed_is_a_duration_or_refused_in_words(text):
    with suppress(ValueError):
        assert parse(text) >= 0
