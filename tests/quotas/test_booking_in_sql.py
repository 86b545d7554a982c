"""The booking is one conditional statement; its condition says the same as quotas.policies.Limit."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from quotas.models import TimeQuotaPolicy
from quotas.policies import MAX_NS, decide

pytestmark = pytest.mark.django_db

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


class TestTheStatement:
    """A second look at the row, such as `pk IN (SELECT …)`, would see it as it was before the statement had to wait."""

    def test_each_policy_is_checked_and_booked_by_one_update_of_its_own_row(self, assign, reserve, bob):
        group, user = assign(None, 100), assign(bob, 100)
        with CaptureQueriesContext(connection) as queries:
            reserve(bob, 40)

        updates = [sql for query in queries if (sql := query["sql"].strip()).startswith("UPDATE")]
        assert len(updates) == 2
        for policy, sql in zip((group, user), updates, strict=True):
            assert sql.startswith(f"UPDATE {TimeQuotaPolicy._meta.db_table} SET reserved_ns = reserved_ns + 40")
            assert f"id = {policy.pk}" in sql
            assert "SELECT" not in sql
            for condition in ("quota_ns", "used_ns", "reserved_ns", "starts_at", "ends_at"):
                assert condition in sql.partition("WHERE")[2]

    def test_nothing_is_read_between_the_check_and_the_commit(self, assign, reserve, bob):
        assign(None, 100)
        with CaptureQueriesContext(connection) as queries:
            reserve(bob, 40)

        kinds = [query["sql"].split()[0] for query in queries]
        assert kinds == ["SELECT", "SELECT", "SAVEPOINT", "INSERT", "UPDATE", "RELEASE"]


nanoseconds = st.integers(0, MAX_NS) | st.integers(0, 100) | st.integers(MAX_NS - 100, MAX_NS)
moments = (
    st.datetimes(timezones=st.just(UTC))  # from year 1 to year 9999
    | st.integers(-2, 2).map(lambda ticks: START + ticks * TICK)
    | st.integers(-2, 2).map(lambda seconds: START + timedelta(seconds=seconds))
)


@st.composite
def questions(draw):
    """A policy that the database would hold, a job and a moment; often where the answer changes."""
    used_ns = draw(nanoseconds)
    reserved_ns = draw(st.integers(0, MAX_NS - used_ns))
    starts_at, ends_at = draw(st.tuples(moments, moments).filter(lambda both: both[0] != both[1]).map(sorted))
    quota_ns = draw(nanoseconds | st.integers(-2, 2).map(lambda more: used_ns + reserved_ns + more))
    left_ns = quota_ns - used_ns - reserved_ns
    needed_ns = draw(nanoseconds | st.integers(-2, 2).map(lambda more: left_ns + more))
    policy = {"quota_ns": quota_ns, "used_ns": used_ns, "reserved_ns": reserved_ns}
    now = draw(st.sampled_from([starts_at, ends_at]) | moments)
    return (
        {name: min(max(value, 0), MAX_NS) for name, value in policy.items()}
        | {"starts_at": starts_at, "ends_at": ends_at},
        min(max(needed_ns, 1), MAX_NS),
        now,
    )


def policy_of(**counters):
    return {"quota_ns": 0, "used_ns": 0, "reserved_ns": 0, "starts_at": START, "ends_at": START + TICK} | counters


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions())
@example(question=(policy_of(quota_ns=MAX_NS), MAX_NS, START))
@example(question=(policy_of(quota_ns=MAX_NS, used_ns=1), MAX_NS, START))
@example(question=(policy_of(used_ns=MAX_NS), MAX_NS, START))
@example(question=(policy_of(reserved_ns=MAX_NS), MAX_NS, START))
@example(question=(policy_of(used_ns=2**62, reserved_ns=2**62 - 1), MAX_NS, START))
@example(question=(policy_of(quota_ns=1), 1, START + TICK))
def test_sql_and_python_agree(assign, question):
    policy, needed_ns, now = question
    with transaction.atomic():
        row = TimeQuotaPolicy.objects.filter(pk=assign(None, 0).pk)
        row.update(**policy)
        decision = decide([row.get().limit], needed_ns=needed_ns, now=now)
        assert row.get().take_room(needed_ns, now) is decision.allowed
        transaction.set_rollback(True)


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize(
        "counters",
        [
            {"quota_ns": -1},
            {"used_ns": -1},
            {"reserved_ns": -1},
            {"ends_at": START},
            {"used_ns": MAX_NS, "reserved_ns": 1},
            {"used_ns": 2**62, "reserved_ns": 2**62},
        ],
    )
    def test_what_must_never_be(self, assign, counters):
        row = TimeQuotaPolicy.objects.filter(pk=assign(None, 0, start=START, end=START + TICK).pk)
        with pytest.raises(DatabaseError), transaction.atomic():
            row.update(**counters)

    def test_sums_that_it_cannot_hold(self, assign, counters):
        """SQLite would go on with a rounded number."""
        policy = assign(None, MAX_NS)
        row = TimeQuotaPolicy.objects.filter(pk=policy.pk)
        with transaction.atomic():
            row.update(used_ns=MAX_NS)
            with pytest.raises(DatabaseError), transaction.atomic():
                row.update(used_ns=F("used_ns") + MAX_NS)
            transaction.set_rollback(True)
        assert counters(policy) == (0, 0)
