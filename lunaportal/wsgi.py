"""WSGI entry point of the web processes: `gunicorn` in this folder serves it (gunicorn.conf.py)."""

import os

from .handlers import wsgi_handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lunaportal.settings")

application = wsgi_handler()

from .startup import refuse_wrong_key  # noqa: E402  # needs Django to be set up

refuse_wrong_key()
