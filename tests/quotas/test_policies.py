"""The arithmetic of quotas, without a database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from quotas.policies import MAX_NS, Decision, Limit, Reason, Refusal, Subject, Window, decide

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
END = datetime(2026, 8, 1, 12, tzinfo=UTC)
WITHIN = START + timedelta(days=1)
TICK = timedelta(microseconds=1)


def limit(quota_ns=100, used_ns=0, reserved_ns=0, subject=Subject.GROUP, window=None):
    return Limit(subject, quota_ns, used_ns, reserved_ns, window or Window(START, END))


class TestWindow:
    @pytest.mark.parametrize("end", [START, START - TICK, datetime.min.replace(tzinfo=UTC)])
    def test_it_must_end_after_its_start(self, end):
        with pytest.raises(ValidationError, match="The end must be after the start"):
            Window(START, end)

    def test_it_may_be_as_short_as_can_be(self):
        assert Window(START, START + TICK).ends_at == START + TICK

    def test_it_compares_moments_and_not_clocks(self):
        berlin = timezone(timedelta(hours=2))
        with pytest.raises(ValidationError):
            Window(START, START.astimezone(berlin))

    @pytest.mark.parametrize(
        ("start", "end", "opened"),
        [
            (None, None, (WITHIN, WITHIN + timedelta(days=365))),
            (START, None, (START, START + timedelta(days=365))),
            (None, END, (WITHIN, END)),
            (START, END, (START, END)),
        ],
        ids=["nothing", "a start", "an end", "both"],
    )
    def test_it_opens_now_for_so_many_days_where_that_was_left_open(self, start, end, opened):
        assert Window.opening(start, end, now=WITHIN, days=365) == Window(*opened)

    def test_it_does_not_open_with_an_end_that_is_past(self):
        with pytest.raises(ValidationError, match="after the start"):
            Window.opening(None, START, now=WITHIN, days=365)

    def test_it_cannot_begin_where_the_calendar_ends(self):
        last_year = datetime(9999, 6, 1, tzinfo=UTC)
        with pytest.raises(ValidationError, match="too far in the future"):
            Window.opening(last_year, None, now=WITHIN, days=365)
        assert Window.opening(last_year, last_year + TICK, now=WITHIN, days=365).starts_at == last_year


class TestLimit:
    @pytest.mark.parametrize(
        ("quota_ns", "used_ns", "reserved_ns", "left_ns"),
        [
            (100, 0, 0, 100),
            (100, 30, 20, 50),
            (100, 60, 40, 0),
            (100, 130, 0, 0),
            (0, 0, 0, 0),
            (MAX_NS, 0, 0, MAX_NS),
            (MAX_NS, MAX_NS, 0, 0),
            (0, MAX_NS, 0, 0),
        ],
    )
    def test_what_is_left_is_neither_used_nor_reserved(self, quota_ns, used_ns, reserved_ns, left_ns):
        assert limit(quota_ns, used_ns, reserved_ns).left_ns == left_ns

    @pytest.mark.parametrize(
        ("now", "reason"),
        [
            (START - TICK, Reason.NOT_STARTED),
            (START, None),
            (END - TICK, None),
            (END, Reason.ENDED),
            (END + TICK, Reason.ENDED),
        ],
        ids=["just before the start", "at the start", "just before the end", "at the end", "after the end"],
    )
    def test_it_is_in_force_from_its_start_until_before_its_end(self, now, reason):
        assert limit().reason_to_refuse(1, now) is reason

    @pytest.mark.parametrize(
        ("taken", "needed_ns", "reason"),
        [
            ((0, 0), 100, None),
            ((0, 0), 101, Reason.EXHAUSTED),
            ((40, 50), 10, None),
            ((40, 50), 11, Reason.EXHAUSTED),
            ((0, 100), 1, Reason.EXHAUSTED),
            ((100, 0), 1, Reason.EXHAUSTED),
            ((130, 0), 1, Reason.EXHAUSTED),
            ((0, 0), MAX_NS, Reason.EXHAUSTED),
        ],
    )
    def test_it_takes_what_fits_to_the_nanosecond(self, taken, needed_ns, reason):
        assert limit(100, *taken).reason_to_refuse(needed_ns, WITHIN) is reason

    def test_zero_lets_nothing_through(self):
        assert limit(0).reason_to_refuse(1, WITHIN) is Reason.EXHAUSTED

    @pytest.mark.parametrize(("now", "reason"), [(START - TICK, Reason.NOT_STARTED), (END, Reason.ENDED)])
    def test_outside_its_window_the_window_is_the_reason_even_if_nothing_is_left(self, now, reason):
        assert limit(0).reason_to_refuse(1, now) is reason


LATER = Window(END, END + timedelta(days=1))
GROUP_FULL, GROUP_LATER = (Subject.GROUP, Reason.EXHAUSTED), (Subject.GROUP, Reason.NOT_STARTED)
USER_FULL, USER_LATER = (Subject.USER, Reason.EXHAUSTED), (Subject.USER, Reason.NOT_STARTED)


def group(*taken, **window):
    return limit(*taken, subject=Subject.GROUP, **window)


def user(*taken, **window):
    return limit(*taken, subject=Subject.USER, **window)


class TestDecide:
    @pytest.mark.parametrize(
        ("limits", "refused_by"),
        [
            ([], []),
            ([group(10)], []),
            ([user(10)], []),
            ([group(10), user(10)], []),
            ([group(9), user(10)], [GROUP_FULL]),
            ([group(10), user(9)], [USER_FULL]),
            ([group(9), user(9)], [GROUP_FULL, USER_FULL]),
            ([group(99), user(99, window=LATER)], [USER_LATER]),
            ([group(99, window=LATER), user(9)], [GROUP_LATER, USER_FULL]),
        ],
    )
    def test_a_job_must_fit_into_every_policy(self, limits, refused_by):
        decision = decide(limits, needed_ns=10, now=WITHIN)
        assert [(refusal.limit.subject, refusal.reason) for refusal in decision.refusals] == refused_by
        assert decision.allowed is not bool(refused_by)

    @pytest.mark.parametrize(
        ("limits", "left_ns"),
        [
            ([], None),
            ([group(50)], 50),
            ([group(50), user(20)], 20),
            ([group(10), user(20)], 10),
            ([group(10, 30), user(20)], 0),
        ],
    )
    def test_the_smaller_rest_is_what_is_left(self, limits, left_ns):
        assert decide(limits, needed_ns=1, now=WITHIN).left_ns == left_ns

    def test_limits_come_back_in_their_order_also_from_a_generator(self):
        limits = (group(10), user(20))
        assert decide(iter(limits), needed_ns=1, now=WITHIN) == Decision(1, limits, ())


class TestRefusal:
    @pytest.mark.parametrize(
        ("refusal", "words", "changes_at"),
        [
            (
                Refusal(limit(60_000_000_000, 59_990_000_000, 0), Reason.EXHAUSTED, 15_148_020),
                "Refused by the group quota of this token: needs about 15.2 ms, 10 ms left of 1 min. "
                "That changes when an admin raises the quota.",
                None,
            ),
            (
                Refusal(user(1_000_000, 0, 999_999), Reason.EXHAUSTED, 2_000),
                "Refused by the user quota of this token: needs about 2 µs, 1 ns left of 1 ms. "
                "Open jobs may give back some when they end.",
                None,
            ),
            (
                Refusal(user(0), Reason.EXHAUSTED, 1),
                "Refused by the user quota of this token: needs about 1 ns, 0 s left of 0 s. "
                "That changes when an admin raises the quota.",
                None,
            ),
            (
                Refusal(limit(), Reason.NOT_STARTED, 1),
                "Refused by the group quota of this token: it begins at 2026-07-01 12:00 UTC.",
                START,
            ),
            (
                Refusal(user(), Reason.ENDED, 1),
                "Refused by the user quota of this token: it ended at 2026-08-01 12:00 UTC. Ask an admin to extend it.",
                None,
            ),
        ],
        ids=["spent", "held by open jobs", "blocked", "not yet", "over"],
    )
    def test_it_says_who_refuses_what_is_left_what_was_needed_and_when_that_changes(self, refusal, words, changes_at):
        assert str(refusal) == words
        assert refusal.changes_at == changes_at

    def test_it_tells_the_time_in_utc_wherever_the_window_came_from(self):
        berlin = timezone(timedelta(hours=2))
        window = Window(START.astimezone(berlin), END.astimezone(berlin))
        assert "begins at 2026-07-01 12:00 UTC" in str(Refusal(limit(window=window), Reason.NOT_STARTED, 1))

    @pytest.mark.parametrize(
        ("taken", "needed_ns", "may"),
        [((0, 100), 100, True), ((50, 50), 50, True), ((50, 50), 51, False), ((101, 0), 1, False)],
    )
    def test_only_what_open_jobs_hold_may_come_back(self, taken, needed_ns, may):
        assert Refusal(limit(100, *taken), Reason.EXHAUSTED, needed_ns).may_free_itself is may


nanoseconds = st.integers(0, MAX_NS) | st.integers(0, 1000) | st.integers(MAX_NS - 1000, MAX_NS)
moments = st.timedeltas(timedelta(days=-1), timedelta(days=33)).map(START.__add__)
limits = st.builds(limit, nanoseconds, nanoseconds, nanoseconds, st.sampled_from(Subject))


class TestProperties:
    @given(limits=st.lists(limits, max_size=2), needed_ns=st.integers(1, MAX_NS) | st.integers(1, 1000), now=moments)
    def test_what_is_allowed_exceeds_no_quota_and_what_exceeds_none_is_allowed(self, limits, needed_ns, now):
        decision = decide(limits, needed_ns=needed_ns, now=now)
        fits = all(
            limit.used_ns + limit.reserved_ns + needed_ns <= limit.quota_ns and START <= now < END for limit in limits
        )
        assert decision.allowed is fits

    @given(limit=limits, needed_ns=st.integers(1, MAX_NS))
    def test_left_is_exactly_what_one_more_job_may_take(self, limit, needed_ns):
        allowed = decide([limit], needed_ns=needed_ns, now=WITHIN).allowed
        assert allowed is (needed_ns <= limit.left_ns)

    @given(limit=limits, needed_ns=st.integers(1, MAX_NS))
    def test_every_refusal_can_be_said(self, limit, needed_ns):
        for reason in Reason:
            assert str(Refusal(limit, reason, needed_ns)).startswith(f"Refused by the {limit.subject} quota")
