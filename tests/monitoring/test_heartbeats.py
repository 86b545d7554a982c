from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from monitoring.models import Heartbeat, beat

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def test_each_kind_of_process_has_one_that_is_the_latest(django_assert_num_queries):
    beat(Heartbeat.Process.WORKER, NOW - timedelta(minutes=1))
    beat(Heartbeat.Process.SOLVER, NOW - timedelta(minutes=1))

    with django_assert_num_queries(1):
        beat(Heartbeat.Process.WORKER, NOW)

    assert dict(Heartbeat.objects.values_list("process", "seen_at")) == {
        "worker": NOW,
        "solver": NOW - timedelta(minutes=1),
    }


def test_the_worker_is_told_to_show_every_minute_that_it_lives():
    schedule = Schedule.objects.get(name="heartbeat")

    async_task(schedule.func)

    assert (schedule.schedule_type, schedule.minutes, schedule.repeats) == (Schedule.MINUTES, 1, -1)
    assert Heartbeat.objects.get().process == "worker"
