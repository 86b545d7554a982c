"""Make a member of an organization, with what is missing for that."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations import services
from organizations.permissions import Role


class Command(BaseCommand):
    help = (
        "Make what is missing of an organization, a user and their membership, set the role, issue a fresh API key. "
        "A new user has no password: they set one with “Forgot your password?”, or come in by single sign-on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        organization = parser.add_mutually_exclusive_group(required=True)
        organization.add_argument(
            "--organization", metavar="NAME", default="", help="Its name. One that a member has founded is not taken."
        )
        organization.add_argument("--slug", default="", help="Instead: its name in addresses, whoever has founded it.")
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", choices=Role.values, default=Role.MEMBER)
        parser.add_argument("--key", required=True, help="Name of the API key to issue.")
        parser.add_argument("--json", action="store_true", help="Answer in JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            membership, raw_key = services.provide_member(
                organization=options["organization"],
                slug=options["slug"],
                email=options["email"],
                role=options["role"],
                key_name=options["key"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        answer = {
            "email": membership.user.email,
            "organization": membership.organization.name,
            "role": membership.role,
            "api_key": raw_key,
        }
        if options["json"]:
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write(
                f"{answer['email']} is {answer['role']} of {answer['organization']}.\n"
                f"API key “{options['key']}”, shown only now: {raw_key}"
            )
