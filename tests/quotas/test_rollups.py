from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from quotas import daily, rollups, services
from quotas.models import UsageRollup
from quotas.periods import Span
from quotas.pseudonyms import pseudonym_of, pseudonymize
from quotas.reports import By, Scope, report_on

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def run(reserve):
    """run(member, cost): a job that has been settled."""

    def run_job(member, access_time_ns, now=NOON, **options):
        usage = reserve(member, 100, now=now, **options)
        services.settle(usage=usage, access_time_ns=access_time_ns, now=now)

    return run_job


class TestSettling:
    def test_everybodys_jobs_add_up_by_day_token_and_solver(self, run, alice, bob, lab_token, acme):
        run(bob, 1, solver="Advantage")
        run(alice, 2, solver="Advantage")
        run(alice, 4)
        run(alice, 8, now=NOON + timedelta(days=1))

        rows = UsageRollup.objects.everybodys().order_by("settled_ns")
        assert [(row.day.day, row.solver, row.settled_ns, row.jobs) for row in rows] == [
            (4, "Advantage", 3, 2),
            (4, "", 4, 1),
            (5, "", 8, 1),
        ]
        assert {(row.organization_id, row.token_id, row.token_name) for row in rows} == {(acme.pk, lab_token.pk, "lab")}

    def test_members_jobs_add_up_by_month(self, run, bob):
        run(bob, 1, solver="Advantage")
        run(bob, 2, now=NOON + timedelta(days=27))
        run(bob, 4, now=NOON + timedelta(days=28))

        rows = UsageRollup.objects.members().order_by("day")
        assert [(row.day, row.settled_ns, row.jobs) for row in rows] == [
            (date(2026, 5, 1), 3, 2),
            (date(2026, 6, 1), 4, 1),
        ]

    def test_jobs_on_personal_tokens_are_nobody_elses_business(self, run, bob, bobs_token):
        run(bob, 1, token=bobs_token)

        assert not UsageRollup.objects.exists()


class TestProof:
    @pytest.mark.parametrize(
        "falsify",
        [
            lambda: UsageRollup.objects.everybodys().update(settled_ns=4),
            lambda: UsageRollup.objects.members().update(jobs=2),
            lambda: UsageRollup.objects.members().delete(),
            lambda: UsageRollup.objects.everybodys().update(day=date(2020, 1, 1)),
        ],
        ids=["another sum", "another count", "a lost month", "another day"],
    )
    def test_it_finds_what_is_wrong_and_rebuilding_mends_it(self, run, bob, falsify):
        run(bob, 5)
        falsify()

        assert rollups.prove()
        with pytest.raises(CommandError, match="but days add up to 5 ns in 1 jobs"):
            call_command("check_ledger")
        daily.rebuild()
        assert rollups.prove() == []

    def test_rebuilding_one_users_days_leaves_the_months_of_others_alone(self, run, alice, bob):
        run(bob, 5)
        run(alice, 7)
        UsageRollup.objects.members().update(settled_ns=4)

        daily.rebuild(bob.user_id)

        assert [wrong.key[1] for wrong in rollups.prove()] == ["alice@example.com"]
        daily.rebuild()

    def test_an_address_that_is_forgotten_is_forgotten_in_months_too(self, run, alice, bob):
        run(bob, 5)
        run(alice, 7)

        pseudonymize(user_id=bob.user_id)

        assert sorted(UsageRollup.objects.members().values_list("user_email", "settled_ns")) == [
            ("alice@example.com", 7),
            (pseudonym_of(bob.user_id), 5),
        ]

    def test_it_asks_once_so_that_both_sides_are_of_one_moment(self, run, bob, django_assert_num_queries):
        run(bob, 5)

        with django_assert_num_queries(1):
            assert rollups.prove() == []


@pytest.mark.django_db(transaction=True)
def test_the_migration_adds_up_what_is_there_already(run, alice, bob, bobs_token):
    run(bob, 5)
    run(bob, 6, now=NOON + timedelta(days=1))
    run(alice, 7)
    run(bob, 8, token=bobs_token)
    UsageRollup.objects.all().delete()
    executor = MigrationExecutor(connection)
    state = executor.loader.project_state(("quotas", "0008_fill_usage_rollup"))
    migration = executor.loader.get_migration("quotas", "0008_fill_usage_rollup")

    with connection.schema_editor() as editor:
        migration.operations[0].code(state.apps, editor)

    assert UsageRollup.objects.count() == 4
    assert rollups.prove() == []


class TestReports:
    @pytest.fixture
    def year(self, run, alice, bob):
        """Jobs on every 5th day of a year: Bob's cost 3, Alice's 1."""
        days = [NOON + timedelta(days=number) for number in range(0, 365, 5)]
        for day in days:
            run(bob, 3, now=day)
            run(alice, 1, now=day)
        return days

    @pytest.mark.parametrize(
        ("first", "last"),
        [
            (date(2026, 5, 4), date(2027, 5, 3)),
            (date(2026, 6, 1), date(2026, 8, 31)),
            (date(2026, 6, 2), date(2026, 8, 30)),
            (date(2026, 6, 2), date(2026, 7, 30)),
            (date(2026, 6, 1), date(2026, 6, 30)),
            (date(2026, 6, 9), date(2026, 6, 9)),
        ],
        ids=["a year", "three months", "nearly three", "no whole month", "one month", "a day"],
    )
    @pytest.mark.parametrize("today", [date(2027, 5, 3), date(2026, 6, 9)], ids=["all long ago", "some to come"])
    def test_by_member_agrees_with_the_ledger_whatever_the_span(self, year, alice, first, last, today):
        jobs = len([day for day in year if first <= day.date() <= last])

        report = report_on(Scope(alice, is_everybodys=True), Span(first, last), By.MEMBER, today)

        found = [(share.name, share.settled_ns, share.jobs) for share in report.shares]
        assert found == ([("bob@example.com", 3 * jobs, jobs), ("alice@example.com", jobs, jobs)] if jobs else [])
        assert report.total_ns == report.chart.total_ns == 4 * jobs
        assert report.others is None

    @pytest.mark.parametrize("days", [92, 93, 371, 372, 800], ids=lambda days: f"{days} days")
    def test_each_bar_is_what_the_jobs_of_its_days_have_cost(self, year, alice, days):
        span = Span.of_days(days, year[-2].date())

        chart = report_on(Scope(alice, is_everybodys=True), span, By.MEMBER, span.last).chart

        jobs = [len([day for day in year if part.first <= day.date() <= part.last]) for part in span.parts]
        assert [values for _part, values, _sum in chart.rows] == [[3 * count, count] for count in jobs]

    def test_who_had_jobs_in_the_month_but_not_in_the_span_is_not_named(self, run, alice, bob):
        run(bob, 5)
        run(alice, 3, now=NOON + timedelta(days=4))
        span = Span(date(2026, 5, 5), date(2026, 5, 31))

        report = report_on(Scope(alice, is_everybodys=True), span, By.MEMBER, span.last)

        assert [(share.name, share.settled_ns) for share in report.shares] == [("alice@example.com", 3)]

    def test_of_a_month_up_to_today_few_rows_are_read(self, run, alice):
        for number in range(60):
            run(alice, 1, now=NOON + timedelta(days=-number))
        span = Span.of_days(30, NOON.date())

        parts = Scope(alice, is_everybodys=True).of_members(span, NOON.date())

        assert sum(len(rows) for rows, _sign in parts) == 2 + 4  # April, May, and the days taken from April

    @pytest.mark.parametrize("asked", [{"token_name": "lab"}, {"user_email": "bob@example.com"}, {"solver": ""}])
    @pytest.mark.parametrize("by", By)
    def test_what_is_asked_holds_for_every_breakdown(self, run, year, alice, by, asked):
        run(alice, 1000, solver="Advantage")
        span = Span(date(2026, 5, 1), date(2027, 5, 31))

        report = report_on(Scope(alice, is_everybodys=True, asked=asked), span, by, span.last)

        others = {"token_name": 1000, "user_email": -len(year), "solver": 0}
        assert report.total_ns == report.chart.total_ns == 4 * len(year) + others[next(iter(asked))]
        assert sum(share.settled_ns for share in report.shares) == report.total_ns
