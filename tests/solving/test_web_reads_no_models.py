"""What serves members never loads the libraries that read models."""

import os
import subprocess
import sys

CODE = """
import lunaportal.wsgi, lunaportal.asgi, lunaportal.urls, solving.worker, sys
print(*sorted(sys.modules.keys() & {"luna_model", "dimod", "minorminer", "dwave.samplers", "dwave.embedding"}))
"""


def test_neither_web_nor_worker_import_luna_model():
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}

    loaded = subprocess.run([sys.executable, "-c", CODE], env=environment, check=True, capture_output=True, text=True)

    assert loaded.stdout.split() == []
