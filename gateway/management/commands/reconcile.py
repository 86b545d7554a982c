"""Keep the ledger true to what D-Wave really ran."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gateway.reconcile import run


class Command(BaseCommand):
    help = "Follow all open problems at D-Wave: settle, adopt and release, until it is told to end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pause", type=float, default=3.0, help="Seconds between two rounds (%(default)s).")

    def handle(self, *, pause: float, **options: Any) -> None:
        asyncio.run(until_told_to_end(pause))


async def until_told_to_end(pause: float) -> None:
    task = asyncio.create_task(run(pause))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return
