import csv
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import Sum
from django.test import Client

from audit.models import Event
from quotas import services
from quotas.models import Usage
from quotas.periods import Span
from quotas.reports import By, Scope, report_on
from tests.conftest import SECRET
from tokens.services import upload_token

pytestmark = pytest.mark.django_db

MINE, EVERYBODYS = "/o/acme/usage", "/o/acme/usage/everybody"


@pytest.fixture
def run(reserve):
    """run(member, cost): a job that has been settled."""

    def run_job(member, access_time_ns, **options):
        usage = reserve(member, 100, **options)
        services.settle(usage=usage, access_time_ns=access_time_ns, now=usage.created_at)
        return usage

    return run_job


@pytest.fixture
def a_busy_month(run, reserve, alice, bob, bobs_token, charlie, now):
    """Jobs of all kinds on many days; some that are not to be seen."""
    for number in reversed(range(40)):
        at = now - timedelta(days=number)
        run(alice, 1_000_000_007 + number, solver="Advantage_system4.1", now=at)
        run(bob, 3_000_001 * number, solver=f"solver {number % 9}", now=at)
        run(bob, 17, token=bobs_token, now=at)
    reserve(bob, 100)
    foreign = upload_token(scope="group", provider="dwave", name="foreign", secret=SECRET, by=charlie)
    run(charlie, 10**15, token=foreign)


def settled(ledger, **narrowed):
    return ledger.filter(status="settled", **narrowed).aggregate(sum=Sum("access_time_ns", default=0))["sum"]


def report(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.context["report"]


def sum_of(report):
    """What tiles, table, chart and the chart's table say; all must say the same."""
    sums = {
        report.total_ns,
        sum(share.settled_ns for share in [*report.shares, *filter(None, [report.others])]),
        report.chart.total_ns,
        sum(total for _part, _values, total in report.chart.rows),
        sum(sum(values) for _part, values, _total in report.chart.rows),
    }
    (only,) = sums
    return only


class TestTotals:
    @pytest.mark.parametrize("by", By.values)
    @pytest.mark.parametrize("days", [7, 30, 90, 365])
    def test_everybodys_agree_with_the_ledger_to_the_nanosecond(self, a_busy_month, alice, browser, now, by, days):
        first = datetime.combine(now.date() - timedelta(days=days - 1), datetime.min.time(), UTC)
        ledger = Usage.objects.of_organization(alice).filter(created_at__gte=first)

        shown = report(browser(alice), f"{EVERYBODYS}?by={by}&days={days}")

        assert sum_of(shown) == settled(ledger)
        assert shown.jobs == ledger.filter(status="settled").count()

    @pytest.mark.parametrize("by", ["token", "solver", "day"])
    def test_mine_agree_with_the_ledger_to_the_nanosecond(self, a_busy_month, bob, browser, by):
        shown = report(browser(bob), f"{MINE}?by={by}&days=90")

        assert sum_of(shown) == settled(Usage.objects.of_member(bob))

    @pytest.mark.parametrize(
        ("query", "narrowed"),
        [
            ("member=Bob@Example.com", {"user_email": "bob@example.com"}),
            ("token=lab", {"token_name": "lab"}),
            ("solver=solver+3", {"solver": "solver 3"}),
            ("member=bob@example.com&solver=solver+3", {"user_email": "bob@example.com", "solver": "solver 3"}),
            ("token=nothing", {"token_name": "nothing"}),
        ],
    )
    def test_filters_narrow_both(self, a_busy_month, alice, browser, query, narrowed):
        shown = report(browser(alice), f"{EVERYBODYS}?days=90&{query}")

        assert sum_of(shown) == settled(Usage.objects.of_organization(alice), **narrowed)

    def test_what_the_table_has_no_room_for_is_with_the_others(self, a_busy_month, alice, now):
        span = Span.of_days(60, now.date())

        shown = report_on(Scope(alice, is_everybodys=True), span, By.SOLVER, span.last, 3)

        assert len(shown.shares) == 3
        assert shown.others.jobs > 0
        assert sum_of(shown) == settled(Usage.objects.of_organization(alice))


class TestPage:
    def test_days_can_be_named(self, run, bob, browser):
        run(bob, 5, now=datetime(2026, 5, 4, 23, 59, 59, tzinfo=UTC))
        run(bob, 7, now=datetime(2026, 5, 5, tzinfo=UTC))

        shown = report(browser(bob), f"{MINE}?since=2026-05-01&until=2026-05-04&days=7")

        assert (shown.span, shown.total_ns) == (Span(date(2026, 5, 1), date(2026, 5, 4)), 5)

    def test_what_makes_no_sense_is_left_out(self, run, bob, browser):
        run(bob, 5)

        shown = report(
            browser(bob), f"{MINE}?since=soon&until=0001-01-01x&days=1000000&by=member&member=alice@example.com"
        )

        assert (shown.span.days, shown.by, shown.total_ns) == (30, By.TOKEN, 5)

    def test_the_chart_has_its_table_behind_it_and_no_styles_in_it(self, run, bob, browser):
        run(bob, 1_500_000_000)

        page = browser(bob).get(MINE).content.decode()

        assert '<data value="1500000000" title="1,500,000,000 ns">1.5 s</data>' in page
        assert 'role="img" aria-labelledby="usage-chart-title usage-chart-about"' in page
        assert "style=" not in page

    def test_it_says_when_there_is_nothing(self, bob, browser):
        assert "No job has cost time here." in browser(bob).get(MINE).content.decode()

    def test_names_are_escaped(self, alice, bob, run, browser):
        token = upload_token(scope="group", provider="dwave", name="<b>bold", secret=SECRET, by=alice)
        run(bob, 5, token=token)

        page = browser(bob).get(MINE).content.decode()

        assert "<b>bold" not in page
        assert "token=%3Cb%3Ebold" in page

    def test_only_admins_are_led_to_everybodys(self, alice, bob, browser):
        assert EVERYBODYS in browser(alice).get(MINE).content.decode()
        assert EVERYBODYS not in browser(bob).get(MINE).content.decode()


class TestDoors:
    @pytest.mark.parametrize("url", [EVERYBODYS, f"{EVERYBODYS}.csv"])
    def test_everybodys_is_for_admins(self, alice, bob, charlie, browser, url):
        assert browser(alice).get(url).status_code == 200
        assert browser(bob).get(url).status_code == 403
        assert browser(charlie).get(url).status_code == 404
        assert Client().get(url).status_code == 302


class TestExport:
    def lines(self, client, url):
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.streaming
        return list(csv.DictReader(answer.getvalue().decode().splitlines()))

    def test_it_has_every_line_that_the_page_adds_up(self, a_busy_month, alice, browser):
        client = browser(alice)
        query = "?days=30&member=bob@example.com"

        lines = self.lines(client, f"{EVERYBODYS}.csv{query}")

        settled_lines = [line for line in lines if line["status"] == "settled"]
        assert sum(int(line["access_time_ns"]) for line in settled_lines) == report(client, EVERYBODYS + query).total_ns
        assert len(lines) == len(settled_lines) + 1, "and the one that is open"
        assert [int(line["id"]) for line in lines] == sorted((int(line["id"]) for line in lines), reverse=True)

    def test_mine_has_only_mine(self, a_busy_month, bob, browser):
        lines = self.lines(browser(bob), f"{MINE}.csv?days=90&member=alice@example.com")

        assert {line["user_email"] for line in lines} == {"bob@example.com"}
        assert {line["token_name"] for line in lines} == {"lab", "mine"}

    def test_no_spreadsheet_takes_a_cell_for_a_formula(self, run, bob, browser):
        run(bob, 5, solver="=1+1")

        assert self.lines(browser(bob), f"{MINE}.csv")[0]["solver"] == "'=1+1"

    def test_it_is_in_the_audit_log(self, run, alice, browser):
        run(alice, 5)

        browser(alice).get(f"{EVERYBODYS}.csv?since=2026-05-01&until=2026-05-02&token=lab").getvalue()

        event = Event.objects.latest("pk")
        assert (event.action, event.actor) == ("usage_exported", "alice@example.com")
        assert event.details == {
            "whose": "everybody's",
            "since": "2026-05-01",
            "until": "2026-05-02",
            "token_name": "lab",
        }

    def test_it_takes_as_many_queries_for_many_lines_as_for_few(self, run, bob, browser, django_assert_max_num_queries):
        client = browser(bob)
        run(bob, 5)
        with django_assert_max_num_queries(12) as few:
            client.get(f"{MINE}.csv").getvalue()
        for number in range(20):
            run(bob, number)
        with django_assert_max_num_queries(len(few)):
            client.get(f"{MINE}.csv").getvalue()
