"""Admins read who did what when, narrow it, and take it with them as CSV."""

import ast
import csv
import io
import json
from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import translation

from audit import log
from audit.models import Event
from gateway.rules import Changes
from organizations import services
from organizations.audit_words import NAMES, in_words
from organizations.spreadsheets import neutral

AUDIT = "/o/acme/audit"


@pytest.fixture(autouse=True)
def lines(alice, bob, charlie):
    """What happens in Acme in May."""
    happened = [
        (1, alice, Event.Action.ROLE_CHANGED, {"role": "admin"}),
        (2, bob, Event.Action.QUOTA_CHANGED, {"quota_ns": 10_000_000_000, "user": None}),
        (3, alice, Event.Action.QUOTA_CHANGED, {"starts_at": datetime(2026, 6, 1, tzinfo=UTC)}),
        (3, charlie, Event.Action.QUOTA_CHANGED, {}),
    ]
    for day, member, action, details in happened:
        with time_machine.travel(datetime(2026, 5, day, 23, 59, 59, tzinfo=UTC), tick=False), transaction.atomic():
            log.record(action, by=member, target=member, **details)


def days(answer):
    assert answer.status_code == 200
    return [event.at.day for event in answer.context["page"].rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 2, 1]),
        ("&order=id", [1, 2, 3]),
        ("&actor=BOB", [2]),
        ("&action=quota_changed", [3, 2]),
        ("&action=nonsense", [3, 2, 1]),
        ("&since=2026-05-02", [3, 2]),
        ("&until=2026-05-02", [2, 1]),
        ("&since=yesterday", [3, 2, 1]),
        ("&actor=alice&action=quota_changed", [3]),
    ],
)
def test_the_address_says_what_is_shown(browser, alice, query, expected):
    until = "" if "until" in query else "until=2026-05-31"

    assert days(browser(alice).get(f"{AUDIT}?{until}{query}")) == expected


def test_details_read_well(browser, alice):
    page = " ".join(browser(alice).get(f"{AUDIT}?until=2026-05-31").content.decode().split())

    assert '<span class="muted">quota</span> 10,000,000,000 ns' in page
    assert ">1 Jun 2026, 00:00 UTC</time>" in page
    assert "None" not in page


class TestDetails:
    def test_they_are_read_in_the_language_of_the_page(self, alice, bob):
        log.record(
            Event.Action.ORGANIZATION_CHANGED,
            by=alice,
            target=alice.organization,
            former_name="A & B",
            requires_second_factor=True,
            former_requires_second_factor=False,
            scopes="read run",
            role="member",
            whose="everybody's",
            quota_ns=10**10,
        )

        with translation.override("de"):
            words = {name: str(value) for name, value in in_words(Event.objects.latest("pk").details)}

        assert words == {
            "Name bisher": "A & B",
            "zweiter Faktor nötig": "ja",
            "zweiter Faktor nötig bisher": "nein",
            "Rechte": "Lesen, Jobs ausführen",
            "Rolle": "Mitglied",
            "wessen": "von allen",
            "Kontingent": "10.000.000.000 ns",
        }

    def test_what_is_unknown_is_shown_as_it_is(self):
        assert list(in_words({"new_thing": "role admin", "role": "emperor"})) == [
            ("new thing", "role admin"),
            ("role", "emperor"),
        ]

    def test_every_name_that_is_recorded_has_words(self):
        apps = [path.parent for path in settings.BASE_DIR.glob("*/apps.py")]
        nodes = [node for app in apps for path in app.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
        names = {keyword.arg for node in nodes if is_record(node) for keyword in node.keywords} - {None}
        names |= set(services.Settings.__annotations__) | set(Changes.__annotations__)

        details = {name.removeprefix("former_").removesuffix("_ns").removesuffix("_at") for name in names}
        assert details - NAMES.keys() == {"by", "target", "organization"}


def is_record(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "log.record"


class TestExport:
    def rows(self, answer):
        assert answer.status_code == 200
        return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))

    def test_it_holds_what_the_page_shows(self, browser, alice):
        answer = browser(alice).get(f"{AUDIT}.csv?until=2026-05-31&action=quota_changed")

        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == 'attachment; filename="acme-audit.csv"'
        newest, oldest = self.rows(answer)
        assert (newest["at"], newest["actor"]) == ("2026-05-03T23:59:59+00:00", "alice@example.com")
        assert json.loads(oldest["details"]) == {"quota_ns": 10_000_000_000, "user": None}

    def test_no_cell_is_a_formula(self, browser, alice):
        services.change_organization(name="=HYPERLINK(1)", by=alice)

        rows = self.rows(browser(alice).get(f"{AUDIT}.csv?action=organization_changed"))

        assert [row["target"] for row in rows] == ["'=HYPERLINK(1)"]

    def test_each_line_comes_once_however_many_steps_it_takes(self, browser, alice, monkeypatch):
        whole = self.rows(browser(alice).get(f"{AUDIT}.csv"))
        assert len(whole) > 3
        for size in (1, 2, len(whole)):
            monkeypatch.setattr("organizations.spreadsheets.ROWS_AT_ONCE", size)

            assert self.rows(browser(alice).get(f"{AUDIT}.csv")) == whole

    def test_it_is_read_while_it_is_sent(self, browser, alice, django_assert_num_queries):
        answer = browser(alice).get(f"{AUDIT}.csv")

        with django_assert_num_queries(1):
            assert len(self.rows(answer)) > 3


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_formulas_are_made_text(cell):
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["plain", "", "a=1", -1, None, 0.5])
def test_everything_else_stays(cell):
    assert neutral(cell) is cell
