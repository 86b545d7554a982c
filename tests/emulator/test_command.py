"""python -m emulator."""

import signal
import subprocess
import sys

import pytest
import requests

from emulator.client import Emulator


@pytest.fixture
def process():
    options = ["--port", "0", "--token", "DEV-one", "--token", "DEV-two", "--pace", "0"]
    command = [sys.executable, "-m", "emulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_it_says_where_it_listens_and_ends_when_told(process):
    endpoint = process.stdout.readline().split()[-1]
    for token in ("DEV-one", "DEV-two"):
        listing = requests.get(f"{endpoint}/problems/", headers={"X-Auth-Token": token}, timeout=10)
        assert listing.json() == []
    emulator = Emulator(endpoint)
    emulator.fault("list", "hang")
    with pytest.raises(requests.ReadTimeout):  # and the request goes on
        requests.get(f"{endpoint}/problems/", headers={"X-Auth-Token": "DEV-one"}, timeout=0.2)

    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 0
