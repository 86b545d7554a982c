from types import SimpleNamespace

import pytest
from django.db import connection

from audit import log
from audit.models import Event

Action = Event.Action
pytestmark = pytest.mark.django_db

ACME = SimpleNamespace(pk=1)
GLOBEX = SimpleNamespace(pk=2)


@pytest.fixture(autouse=True)
def events():
    return [
        log.record(action, by=None, target=None, organization=organization)
        for organization in (ACME, GLOBEX, None)
        for action in (Action.KEY_ISSUED, Action.KEY_CHANGED, Action.KEY_REVOKED)
    ]


def test_questions_can_be_chained(events):
    found = Event.objects.of_organization(ACME).with_action(Action.KEY_ISSUED, Action.KEY_REVOKED).newest_first()

    assert list(found) == [events[2], events[0]]


def test_what_belongs_to_nobody_is_in_no_organizations_log():
    assert Event.objects.of_organization(ACME).count() == Event.objects.of_organization(GLOBEX).count() == 3


@pytest.mark.parametrize(
    ("index", "other", "query"),
    [
        ("event_by_organization", "event_by_organization_action", Event.objects.of_organization(ACME)),
        (
            "event_by_organization_action",
            "event_by_organization",
            Event.objects.of_organization(ACME).with_action(Action.KEY_ISSUED),
        ),
    ],
)
def test_an_index_finds_an_organizations_newest_lines_without_sorting(index, other, query):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # for the few lines of a test it would take any way
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
            )
            cursor.execute(f"DROP INDEX {other}; ALTER TABLE audit_event DROP CONSTRAINT audit_event_pkey")

    plan = query.newest_first()[:50].explain()

    assert f"{index} " in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_a_line_can_be_read(events):
    events[0].actor = "alice@example.com"
    events[0].target = "ci"

    assert str(events[0]).endswith(" alice@example.com key_issued ci")
    assert str(events[1]).endswith(" system key_changed")
