import pytest
from django.db import IntegrityError, connection, transaction

from audit import log, triggers
from audit.models import AppendOnlyError, Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def event():
    return log.record(Event.Action.KEY_ISSUED, by=None, target=None)


class TestOrm:
    def test_it_does_not_change_events(self, event):
        event.actor = "mallory@example.com"
        with pytest.raises(AppendOnlyError):
            event.save()
        with pytest.raises(AppendOnlyError):
            Event.objects.update(actor="mallory@example.com")
        with pytest.raises(AppendOnlyError), transaction.atomic():
            Event.objects.bulk_update([event], ["actor"])

        assert Event.objects.get().actor == ""

    def test_it_does_not_delete_events(self, event):
        with pytest.raises(AppendOnlyError):
            event.delete()
        with pytest.raises(AppendOnlyError):
            Event.objects.all().delete()

        assert Event.objects.exists()


class TestDatabase:
    """With the triggers in place, which tests/conftest.py has taken away after the migrations."""

    STATEMENTS = {
        "update": "UPDATE audit_event SET actor = 'mallory'",
        "delete": "DELETE FROM audit_event",
        "upsert": "INSERT INTO audit_event SELECT * FROM audit_event WHERE 1 = 1 ON CONFLICT (id) DO UPDATE SET id = 1",
        "sqlite": "REPLACE INTO audit_event SELECT * FROM audit_event",
        "postgresql": "TRUNCATE audit_event",
    }
    OF_THIS_DATABASE = {
        name: sql for name, sql in STATEMENTS.items() if name not in {"sqlite", "postgresql"} - {connection.vendor}
    }

    @pytest.fixture(autouse=True)
    def installed(self, event):
        triggers.install(connection)

    @pytest.mark.parametrize("statement", OF_THIS_DATABASE.values(), ids=OF_THIS_DATABASE)
    def test_it_refuses_to_change_what_happened(self, event, statement):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert Event.objects.values_list("pk", "actor").get() == (event.pk, "")

    def test_it_takes_new_lines(self):
        log.record(Event.Action.KEY_REVOKED, by=None, target=None)
        Event.objects.bulk_create([Event(action=Event.Action.KEY_REVOKED), Event(action=Event.Action.KEY_REVOKED)])

        assert Event.objects.count() == 4

    def test_they_can_be_removed_by_reversing_the_migration(self, event):
        triggers.remove(connection)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_event")

        assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tests_that_cannot_roll_back_can_empty_the_table():
    with transaction.atomic():
        log.record(Event.Action.KEY_ISSUED, by=None, target=None)
