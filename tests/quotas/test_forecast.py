from datetime import UTC, date, datetime, timedelta

import pytest

from quotas.forecast import Forecast, Outlook, forecast
from quotas.policies import MAX_NS, Limit, Subject, Window

NOW = datetime(2026, 5, 4, tzinfo=UTC)
S = 10**9


def quota(quota_ns, used_ns=0, reserved_ns=0, *, began=timedelta(days=100), remains=timedelta(days=100)):
    return Limit(Subject.GROUP, quota_ns, used_ns, reserved_ns, Window(NOW - began, NOW + remains))


def spent(*ns):
    """Nanoseconds by day; the last one is yesterday's."""
    return {(NOW - timedelta(days=number)).date(): each for number, each in enumerate(reversed(ns), start=1)}


def test_at_the_pace_of_four_weeks_it_is_gone_when_what_is_left_is_spent():
    # 28 days x 1 s: 10 s last another 10 days.
    told = forecast(quota(38 * S, 28 * S), spent(*[S] * 28), NOW)

    assert told == Forecast(Outlook.RUNS_OUT, at=datetime(2026, 5, 14, tzinfo=UTC))


def test_it_lasts_if_something_is_left_at_the_end():
    told = forecast(quota(138 * S, 28 * S), spent(*[S] * 28), NOW)

    assert told == Forecast(Outlook.LASTS, left_ns=10 * S)


def test_it_lasts_if_it_is_gone_just_at_the_end():
    assert forecast(quota(128 * S, 28 * S), spent(*[S] * 28), NOW) == Forecast(Outlook.LASTS, left_ns=0)


def test_a_nanosecond_less_runs_out():
    assert forecast(quota(128 * S - 1, 28 * S), spent(*[S] * 28), NOW).outlook is Outlook.RUNS_OUT


def test_what_open_jobs_hold_counts_as_spent():
    told = forecast(quota(38 * S, 28 * S, 5 * S), spent(*[S] * 28), NOW)

    assert told.at == datetime(2026, 5, 9, tzinfo=UTC)


def test_the_pace_is_that_since_the_quota_began():
    young = quota(20 * S, 10 * S, began=timedelta(days=5))

    assert forecast(young, spent(*[2 * S] * 5), NOW).at == NOW + timedelta(days=5)


def test_days_before_the_quota_do_not_count():
    young = quota(20 * S, 10 * S, began=timedelta(days=5))

    assert forecast(young, spent(*[900 * S] * 10, *[2 * S] * 5), NOW).at == NOW + timedelta(days=5)


def test_days_that_are_too_long_ago_do_not_count():
    long_ago = {date(2026, 4, 5): 10**15, date(2025, 5, 4): 10**15}

    assert forecast(quota(38 * S, 28 * S), spent(*[S] * 28) | long_ago, NOW).at == datetime(2026, 5, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("began", "days"), [(timedelta(days=2, hours=23), [S, S]), (timedelta(days=90), [S]), (timedelta(hours=1), [])]
)
def test_too_little_data_tells_nothing(began, days):
    assert forecast(quota(99 * S, S, began=began), spent(*days), NOW) == Forecast(Outlook.UNKNOWN)


def test_nobody_uses_it():
    assert forecast(quota(99 * S), {}, NOW) == Forecast(Outlook.IDLE)


@pytest.mark.parametrize(
    ("limit", "outlook"),
    [
        (quota(S, S), Outlook.USED_UP),
        (quota(0), Outlook.USED_UP),
        (quota(S, 2 * S), Outlook.USED_UP),
        (quota(S, 0, S), Outlook.HELD),
        (quota(S, remains=timedelta()), Outlook.ENDED),
        (quota(S, began=timedelta(microseconds=-1)), Outlook.NOT_STARTED),
    ],
)
def test_where_no_job_can_start_nothing_is_foretold(limit, outlook):
    assert forecast(limit, spent(*[S] * 28), NOW) == Forecast(outlook)


def test_it_is_exact_with_the_largest_numbers():
    told = forecast(quota(MAX_NS, MAX_NS - 1), spent(*[MAX_NS // 28] * 28), NOW)

    assert told == Forecast(Outlook.RUNS_OUT, at=NOW)


def test_the_slowest_pace_is_no_trouble():
    told = forecast(quota(MAX_NS, remains=timedelta(days=365_000)), spent(1, 1), NOW)

    assert told.outlook is Outlook.LASTS
