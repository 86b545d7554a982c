"""For operators: let somebody go, should they ask for it."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from privacy.erasure import close_account
from privacy.people import add_email_argument, user_with


class Command(BaseCommand):
    help = "Close somebody's account at once; the worker erases it when no job of theirs is open any more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_email_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_with(options["email"])
        try:
            close_account(user=user, by=None, now=timezone.now())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(
            "The account is closed. The worker erases it within a day, when no job is open any more; "
            "`manage.py tidy` does so from an hour from now on."
        )
