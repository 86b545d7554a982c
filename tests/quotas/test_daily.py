from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from quotas import daily, services
from quotas.models import DailyUsage, Usage
from tokens.services import rename_token

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def run(reserve):
    """run(member, cost): a job that has been settled."""

    def run_job(member, access_time_ns, **options):
        usage = reserve(member, 100, **options)
        assert services.settle(usage=usage, access_time_ns=access_time_ns, now=usage.created_at)
        return usage

    return run_job


def rows(*fields):
    return sorted(DailyUsage.objects.values_list(*fields, "settled_ns", "jobs"))


class TestSettling:
    def test_jobs_of_one_kind_and_day_add_up(self, run, bob, lab_token, acme):
        run(bob, 30, now=MIDNIGHT)
        run(bob, 0, now=MIDNIGHT + timedelta(hours=23, minutes=59))

        day = DailyUsage.objects.get()
        assert (day.settled_ns, day.jobs, day.day) == (30, 2, date(2026, 5, 4))
        assert (day.organization_id, day.token_id, day.user_id) == (acme.pk, lab_token.pk, bob.user_id)
        assert (day.token_name, day.user_email, day.source) == ("lab", "bob@example.com", "gateway")

    def test_it_counts_for_the_day_on_which_a_job_was_booked(self, reserve, bob):
        usage = reserve(bob, 100, now=MIDNIGHT - timedelta(microseconds=1))
        services.settle(usage=usage, access_time_ns=7, now=MIDNIGHT + timedelta(days=3))

        assert rows("day") == [(date(2026, 5, 3), 7, 1)]

    def test_people_solvers_sources_and_tokens_stay_apart(self, run, alice, bob, bobs_token):
        run(bob, 1)
        run(alice, 2)
        run(bob, 4, solver="Advantage")
        run(bob, 8, source=Usage.Source.SOLVE_JOB)
        run(bob, 16, token=bobs_token)

        assert sorted(row[-2] for row in rows("pk")) == [1, 2, 4, 8, 16]
        assert DailyUsage.objects.get(settled_ns=16).organization_id is None

    def test_names_are_those_of_their_time(self, run, bob, lab_token, alice):
        run(bob, 1)
        rename_token(token=lab_token, name="lab-2", by=alice)
        run(bob, 2)

        assert rows("token_name") == [("lab", 1, 1), ("lab-2", 2, 1)]

    def test_a_job_counts_once(self, run, bob, now):
        usage = run(bob, 5)

        assert not services.settle(usage=usage, access_time_ns=5, now=now)
        assert rows() == [(5, 1)]

    def test_jobs_that_are_open_released_or_reopened_do_not_count(self, reserve, bob, now):
        reserve(bob, 100)
        released, reopened = reserve(bob, 100), reserve(bob, 100)
        services.release(usage=released, now=now)
        services.release(usage=reopened, now=now)
        services.reopen(usage=reopened)

        assert rows() == []


class TestProof:
    @pytest.mark.parametrize(
        "falsify",
        [
            lambda: DailyUsage.objects.update(settled_ns=4),
            lambda: DailyUsage.objects.update(jobs=2),
            lambda: DailyUsage.objects.all().delete(),
            lambda: DailyUsage.objects.update(day=date(2020, 1, 1)),
            lambda: Usage.objects.update(access_time_ns=6),
            lambda: Usage.objects.all().delete(),
        ],
        ids=["another sum", "another count", "a lost day", "another day", "another cost", "lost jobs"],
    )
    def test_it_finds_what_is_wrong_and_rebuilding_mends_it(self, run, bob, falsify):
        run(bob, 5)
        falsify()

        assert daily.prove()[1]
        assert daily.rebuild() == Usage.objects.count()
        assert daily.prove()[1] == []

    def test_it_says_what_is_wrong(self, run, bob, lab_token):
        run(bob, 5, now=MIDNIGHT)
        DailyUsage.objects.update(settled_ns=4)

        (wrong,) = daily.prove()[1]
        assert str(wrong).startswith(f"token {lab_token.pk}, user {bob.user_id}, 2026-05-04: 4 ns in 1 jobs, but ")
        assert str(wrong).endswith("settled jobs add up to 5 ns in 1")
        call_command("rebuild_daily_usage")

    def test_it_asks_once_so_that_both_sides_are_of_one_moment(self, run, bob, django_assert_num_queries):
        run(bob, 5)

        with django_assert_num_queries(1):
            assert daily.prove() == (1, [])


@pytest.mark.django_db(transaction=True)
def test_the_migration_adds_up_what_is_there_already(run, bob, alice):
    run(bob, 5)
    run(bob, 6)
    run(alice, 7)
    DailyUsage.objects.all().delete()
    migration = MigrationExecutor(connection).loader.get_migration("quotas", "0004_fill_daily_usage")
    state = MigrationExecutor(connection).loader.project_state(("quotas", "0004_fill_daily_usage"))

    with connection.schema_editor() as editor:
        migration.operations[0].code(state.apps, editor)

    assert daily.prove() == (2, [])
