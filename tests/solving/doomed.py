"""For test_killed: a worker on the database and the D-Wave that it is given. Works until it is killed."""

import asyncio
import sys

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.db import connection

from solving.worker import Worker

if __name__ == "__main__":
    connection.settings_dict["NAME"], settings.DWAVE_UPSTREAM_ENDPOINT = sys.argv[1:]
    asyncio.run(Worker().work())
