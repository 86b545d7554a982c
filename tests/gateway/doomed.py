"""For test_killed: a gateway on the database, the D-Wave and the port that it is given. Serves until it is killed."""

import sys

import django

if __name__ == "__main__":
    django.setup()

import uvicorn
from django.conf import settings
from django.db import connection

from gateway.app import application

if __name__ == "__main__":
    name, endpoint, port = sys.argv[1:]
    connection.settings_dict["NAME"], settings.DWAVE_UPSTREAM_ENDPOINT = name, endpoint
    uvicorn.run(application(), port=int(port), log_config=None, access_log=False)
