from collections import Counter
from datetime import date, timedelta

import pytest

from quotas.charts import HEIGHT, stacked, top_of_scale
from quotas.periods import MOST_DAYS, Span, Step

TODAY = date(2026, 11, 22)  # a Sunday
NOVEMBER, TO_COME = Span(date(2026, 11, 1), date(2026, 11, 30)), Span(date(2026, 11, 23), date(2026, 11, 30))
DECEMBER_1_2 = Span(date(2025, 12, 1), date(2025, 12, 2))
MS, S, MIN, H = 10**6, 10**9, 60 * 10**9, 3600 * 10**9


def days_of(span):
    return [span.first + timedelta(days=number) for number in range(span.days)]


class TestSpan:
    @pytest.mark.parametrize(
        ("since", "until", "first", "last"),
        [
            (None, None, date(2026, 10, 24), TODAY),
            (date(2026, 11, 1), None, date(2026, 11, 1), TODAY),
            (None, date(2026, 11, 1), date(2026, 10, 3), date(2026, 11, 1)),
            (date(2026, 11, 3), date(2026, 11, 1), date(2026, 11, 1), date(2026, 11, 1)),
            (date(2027, 1, 1), date(2028, 1, 1), TODAY, TODAY),
            (date(1, 1, 1), None, TODAY - timedelta(days=MOST_DAYS - 1), TODAY),
        ],
    )
    def test_it_is_never_in_the_future_empty_or_endless(self, since, until, first, last):
        assert Span.asked_for(since, until, days=30, today=TODAY) == Span(first, last)

    @pytest.mark.parametrize(
        ("days", "step", "parts"), [(1, Step.DAY, 1), (92, Step.DAY, 92), (365, Step.WEEK, 53), (800, Step.MONTH, 27)]
    )
    def test_it_is_divided_such_that_bars_can_be_told_apart(self, days, step, parts):
        span = Span.of_days(days, TODAY)

        assert (span.step, len(span.parts)) == (step, parts)

    @pytest.mark.parametrize("days", [1, 30, 93, 365, 800, MOST_DAYS])
    def test_its_parts_cover_each_day_once(self, days):
        span = Span.of_days(days, TODAY)

        covered = [part.first + timedelta(days=n) for part in span.parts for n in range(part.days)]

        assert covered == [span.first + timedelta(days=n) for n in range(days)]
        assert all(span.part_of(day).first <= day <= span.part_of(day).last for day in covered)

    @pytest.mark.parametrize("days", [1, 7, 30, 31, 45, 90, 365])
    @pytest.mark.parametrize("last", [TODAY - timedelta(days=ago) for ago in range(0, 62, 5)], ids=str)
    def test_its_months_and_days_make_up_each_day_once(self, days, last):
        span = Span.of_days(days, last)

        months = span.by_months(TODAY)

        counts = Counter(dict.fromkeys(days_of(months.whole), 1) if months.whole else {})
        for part, sign in months.days:
            counts.update(dict.fromkeys(days_of(part), sign))
        assert {day: count for day, count in counts.items() if count} == dict.fromkeys(days_of(span), 1)

    @pytest.mark.parametrize(
        ("first", "last", "months", "days"),
        [
            (date(2026, 11, 1), TODAY, NOVEMBER, {TO_COME: -1}),
            (date(2026, 10, 24), TODAY, NOVEMBER, {Span(date(2026, 10, 24), date(2026, 10, 31)): 1, TO_COME: -1}),
            (date(2026, 11, 3), TODAY, NOVEMBER, {Span(date(2026, 11, 1), date(2026, 11, 2)): -1, TO_COME: -1}),
            (date(2026, 11, 1), date(2026, 11, 20), NOVEMBER, {Span(date(2026, 11, 21), NOVEMBER.last): -1}),
            (date(2025, 11, 1), date(2025, 12, 2), Span(date(2025, 11, 1), date(2025, 11, 30)), {DECEMBER_1_2: 1}),
            (DECEMBER_1_2.first, DECEMBER_1_2.last, None, {DECEMBER_1_2: 1}),
        ],
        ids=["a month", "days more", "days less", "days less at its end", "days more at its end", "days alone"],
    )
    def test_its_months_leave_few_days_over(self, first, last, months, days):
        found = Span(first, last).by_months(TODAY)

        assert found.whole == months
        assert dict(found.days) == days

    def test_it_reads_as_people_say_it(self):
        assert str(Span(TODAY, TODAY)) == "22 Nov 2026"
        assert str(Span.of_days(2, TODAY)) == "21 Nov 2026 to 22 Nov 2026"


class TestChart:
    def test_bars_stand_on_one_another(self):
        parts = Span.of_days(2, TODAY).parts

        chart = stacked(parts, {"lab": {parts[0]: 1 * S, parts[1]: 2 * S}, "mine": {parts[1]: 2 * S}})

        assert chart.top_ns == 4 * S
        assert [[(bar.x, bar.y, bar.height) for bar in series.bars] for series in chart.series] == [
            [("1", "75.000", "25.000"), ("11", "50.000", "50.000")],
            [("11", "0.000", "50.000")],
        ]
        assert chart.series[1].bars[0].label == "22 Nov 2026, mine: 2 s"
        assert chart.rows == [(parts[0], [1 * S, 0], 1 * S), (parts[1], [2 * S, 2 * S], 4 * S)]
        assert chart.total_ns == 5 * S

    def test_without_jobs_it_has_no_bars(self):
        chart = stacked(Span.of_days(30, TODAY).parts, {})

        assert (chart.series, chart.total_ns, chart.width) == ([], 0, 300)

    @pytest.mark.parametrize(
        ("most", "top"),
        [
            (0, 1000),
            (1, 1000),
            (1500, 2000),
            (5 * MS, 6 * MS),
            (61 * S, 2 * MIN),
            (59 * S, 60 * S),
            (2**63 - 1, 2**63 - 1),
        ],
    )
    def test_the_scale_ends_at_a_round_duration(self, most, top):
        assert top_of_scale(most) == top

    def test_nothing_is_higher_than_the_chart(self):
        parts = Span.of_days(1, TODAY).parts

        (series,) = stacked(parts, {"lab": {parts[0]: 7 * H + 1}}).series

        assert float(series.bars[0].y) >= 0
        assert float(series.bars[0].height) <= HEIGHT


def test_ticks_are_not_repeated():
    assert len(stacked(Span.of_days(1, TODAY).parts, {}).ticks) == 1
    assert len(stacked(Span.of_days(30, TODAY).parts, {}).ticks) == 3
