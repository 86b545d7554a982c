import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def event(acme):
    """event(moment): something that happened in Acme."""

    def happen(at=MIDNIGHT, **fields):
        facts = {"action": "token_renamed", "actor": "alice@example.com", "organization_id": acme.pk, "at": at}
        return Event.objects.create(**facts | fields)

    return happen


def export(*arguments):
    out = StringIO()
    call_command("export_audit", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_line_has_all_that_is_known(event):
    row = event(details={"old_name": "lab"}, address="192.0.2.7", target="lab-2")

    line = export("--since", "2026-05-04", "--until", "2026-05-04")[0]

    assert line["id"] == row.pk
    assert (line["action"], line["actor"], line["target"]) == ("token_renamed", "alice@example.com", "lab-2")
    assert (line["at"], line["address"]) == ("2026-05-04T00:00:00+00:00", "192.0.2.7")
    assert line["details"] == {"old_name": "lab"}
    assert line.keys() == {field.attname for field in Event._meta.concrete_fields}


def test_the_oldest_come_first_and_nothing_is_deleted(event, charlie):
    ids = [event().pk, event(organization_id=None).pk]

    assert [line["id"] for line in export()][-2:] == ids
    assert len(export()) == Event.objects.count()


def test_days_are_whole_and_of_utc(event):
    moments = ["2026-05-03T23:59:59.999999", "2026-05-04T00:00:00", "2026-05-05T23:59:59", "2026-05-06T00:00:00"]
    rows = [event(datetime.fromisoformat(moment).replace(tzinfo=UTC)) for moment in moments]

    lines = export("--since", "2026-05-04", "--until", "2026-05-05")

    assert [line["id"] for line in lines] == [row.pk for row in rows[1:3]]


def test_one_organization_alone(event, acme, charlie):
    event()
    event(organization_id=charlie.organization_id)

    assert {line["organization_id"] for line in export("--organization", acme.slug)} == {acme.pk}


def test_an_organization_that_is_not_there_is_an_error(db):
    with pytest.raises(CommandError, match="There is no organization “nowhere”"):
        export("--organization", "nowhere")
