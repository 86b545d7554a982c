"""For operators: what the portal knows of somebody, should they ask for it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from audit import log
from audit.models import Event
from privacy.export import as_json
from privacy.people import add_email_argument, user_with


class Command(BaseCommand):
    help = "Write everything that the portal knows of one person to standard output, as JSON, without secrets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_email_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_with(options["email"])
        with transaction.atomic():
            log.record(Event.Action.DATA_EXPORTED, by=None, target=user)
        for piece in as_json(user):
            self.stdout.write(piece, ending="")
