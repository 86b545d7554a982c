"""Finds whom a command is about."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from accounts.models import User, normalize_email


def add_email_argument(parser: ArgumentParser) -> None:
    parser.add_argument("email", help="Whose: the address that they sign in with.")


def user_with(email: str) -> User:
    """Whoever signs in with this address; an error if nobody does."""
    user = User.objects.filter(email=normalize_email(email)).first()
    if user is None:
        raise CommandError("Nobody signs in with this address.")
    return user
