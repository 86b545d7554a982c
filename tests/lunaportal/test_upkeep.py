from datetime import timedelta
from io import StringIO

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Failure, Schedule, Task
from django_q.tasks import async_task

from gateway.models import Upload
from lunaportal.upkeep import FAILURES_KEPT, INVITATIONS_KEPT, KEYS_KEPT, UPLOADS_KEPT, tidy
from monitoring.models import Heartbeat
from organizations.models import ApiKey, Invitation
from organizations.services import issue_key

pytestmark = pytest.mark.django_db

NOW = timezone.now()
SECOND = timedelta(seconds=1)


def test_sessions_go_when_they_have_expired(browser, alice, bob):
    for member in (alice, bob):
        browser(member).get("/")
    ended = Session.objects.order_by("pk")[0]
    Session.objects.filter(pk=ended.pk).update(expire_date=NOW - SECOND)
    UserSession.objects.bulk_create(
        UserSession(session_key=session.pk, user=alice.user, ip="127.0.0.1") for session in Session.objects.all()
    )

    tidy(NOW)

    (kept,) = Session.objects.all()
    assert kept.pk != ended.pk
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [kept.pk]


def test_invitations_go_some_time_after_their_end(acme):
    for end in (NOW, NOW - INVITATIONS_KEPT - SECOND):
        Invitation.objects.create(organization=acme, email=f"{end:%s}@example.com", expires_at=end)

    tidy(NOW)

    assert Invitation.objects.get().expires_at == NOW


def test_keys_go_some_time_after_they_have_expired_or_were_revoked(alice):
    for name in ("for ever", "just expired", "expired", "revoked", "just revoked"):
        issue_key(name=name, by=alice, now=NOW)
    long_ago = NOW - KEYS_KEPT - SECOND
    ApiKey.objects.filter(name="just expired").update(expires_at=NOW - SECOND)
    ApiKey.objects.filter(name="expired").update(expires_at=long_ago)
    ApiKey.objects.filter(name="revoked").update(revoked_at=long_ago)
    ApiKey.objects.filter(name="just revoked").update(revoked_at=NOW - SECOND)

    tidy(NOW)

    kept = set(ApiKey.objects.exclude(name="first").values_list("name", flat=True))  # "first": every member's own
    assert kept == {"for ever", "just expired", "just revoked"}


def test_tasks_that_failed_long_ago_go(db):
    for number, age in enumerate((timedelta(0), FAILURES_KEPT + SECOND)):
        moment = NOW - age
        Task.objects.create(id=str(number), name="mail", func="f", started=moment, stopped=moment, success=False)

    tidy(NOW)

    assert Failure.objects.get().stopped == NOW


def test_uploads_go_some_time_after_they_were_begun_however_many_there_are(db, monkeypatch):
    monkeypatch.setattr("lunaportal.upkeep.BATCH", 2)
    uploads = Upload.objects.bulk_create(Upload(upstream_id=f"{n}", token_id=1, user_id=1) for n in range(6))
    Upload.objects.exclude(pk=uploads[0].pk).update(created_at=NOW - UPLOADS_KEPT - SECOND)

    deleted = tidy(NOW)

    assert deleted["uploads"] == 5
    assert Upload.objects.get() == uploads[0]


def test_the_command_says_what_it_has_deleted_and_shows_that_it_ran(acme):
    Invitation.objects.create(organization=acme, email="a@example.com", expires_at=NOW - 2 * INVITATIONS_KEPT)
    out = StringIO()

    call_command("tidy", stdout=out)

    assert "invitations: 1 deleted\n" in out.getvalue()
    assert Heartbeat.objects.get().process == "tidy"


def test_the_worker_is_told_to_tidy_up_every_day():
    schedule = Schedule.objects.get(name="tidy")

    async_task(schedule.func)

    assert (schedule.schedule_type, schedule.repeats) == (Schedule.DAILY, -1)
    assert Heartbeat.objects.get().process == "tidy"
