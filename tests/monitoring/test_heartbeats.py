import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from gateway.calls import Gateway
from gateway.reconcile import reconcile
from monitoring.models import Heartbeat, beat
from solving.worker import Worker

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


@pytest.mark.django_db(transaction=True)
class TestProcesses:
    def test_the_reconciler_shows_with_each_round_that_it_lives(self):
        async def one_round():
            gateway = Gateway()
            async with gateway.running():
                await reconcile(gateway)

        asyncio.run(one_round())

        assert Heartbeat.objects.get().process == "reconciler"

    def test_the_solver_shows_when_it_starts_that_it_lives(self):
        async def work_until_it_is_heard_of():
            worker = Worker()
            task = asyncio.create_task(worker.work())
            async with asyncio.timeout(60):
                while not await worker.in_database(Heartbeat.objects.exists):
                    assert not task.done()
                    await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(work_until_it_is_heard_of())

        assert Heartbeat.objects.get().process == "solver"
