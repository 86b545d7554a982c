"""Run the solve jobs that members have queued."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from solving.worker import Worker


class Command(BaseCommand):
    help = "Run solve jobs until told to end. Start as many of these as there are machines, or cores, for them."

    def handle(self, **options: Any) -> None:
        asyncio.run(until_told_to_end())


async def until_told_to_end() -> None:
    task = asyncio.create_task(Worker().work())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return
