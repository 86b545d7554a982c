"""Times are written in UTC, with what a script needs to show them in the zone of the viewer."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from accounts.templatetags.moments import ago, day, moment

NOW = datetime(2026, 5, 3, 14, 5, 9, tzinfo=UTC)


def test_date_and_time():
    assert moment(NOW) == (
        '<time datetime="2026-05-03T14:05:09+00:00" title="3 May 2026, 14:05:09 UTC" data-moment="moment">'
        "3 May 2026, 14:05 UTC</time>"
    )


def test_times_of_other_zones_are_brought_to_utc():
    assert "14:05 UTC" in moment(NOW.astimezone(timezone(timedelta(hours=9))))


def test_the_date_alone():
    assert day(NOW).endswith('data-moment="day">3 May 2026</time>')


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW - timedelta(hours=3, minutes=20), "3\xa0hours ago"),
        (NOW + timedelta(days=2, hours=5), "in 2\xa0days"),
        (NOW - timedelta(seconds=30), "just now"),
        (NOW + timedelta(seconds=30), "just now"),
    ],
)
def test_how_far_away(at, text):
    with time_machine.travel(NOW, tick=False):
        assert ago(at).endswith(f'data-moment="exact">{text}</time>')
