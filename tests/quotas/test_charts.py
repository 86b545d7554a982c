from datetime import date, timedelta

import pytest

from quotas.charts import HEIGHT, stacked, top_of_scale
from quotas.periods import MOST_DAYS, Span, Step

TODAY = date(2026, 11, 22)  # a Sunday
MS, S, MIN, H = 10**6, 10**9, 60 * 10**9, 3600 * 10**9


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
