"""A gateway dies by kill -9 on a hybrid problem's way from its upload to D-Wave: nothing is lost, leaked or free."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
from django.conf import settings
from django.db import connection

from gateway.models import Upload
from quotas.models import Usage

from .conftest import Sapi, eventually
from .test_hybrid import hybrid_job, upload  # noqa: F401  fixtures

PATIENCE = 60


@pytest.fixture
def doomed(dwave, bobs, gateway_address):
    """Bob's program at a gateway in a process of its own; `doomed.kill()` kills that."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    name = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "tests.gateway.doomed", name, dwave.endpoint, str(port)]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment) as process:
        client = Sapi(bobs.endpoint.replace(gateway_address, f"http://127.0.0.1:{port}"), bobs.key)
        client.kill = process.kill
        eventually(lambda: listens(port), PATIENCE)
        yield client
        process.kill()
    client.session.close()


def listens(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def kill_at(dwave, doomed):
    """kill_at(job, "submit", when="after"): kills the gateway that waits for D-Wave's answer to such a request."""

    def kill(job, on, **fault):
        dwave.fault(on, "hang", **fault)
        with ThreadPoolExecutor(1) as pool:
            submission = pool.submit(doomed.post, "problems/", json=[job])
            eventually(lambda: [each["times"] for each in dwave.faults()] == [0], PATIENCE)
            if fault.get("when") == "after":
                eventually(dwave.problems, PATIENCE)
            doomed.kill()
            with pytest.raises(requests.ConnectionError):
                submission.result()

    return kill


def test_between_upload_and_booking_nothing_is_booked_and_the_upload_serves_again(
    dwave,
    bobs,
    doomed,
    kill_at,
    booked,
    ran,
    hybrid_job,  # noqa: F811
):
    job = hybrid_job(doomed, time_limit=3)

    kill_at(job, "solvers")

    assert not Usage.objects.exists()
    assert dwave.problems() == []
    bobs.run(job)
    assert booked() == ran() > 0
    assert Upload.objects.count() == 1


def test_between_booking_and_answer_what_dwave_has_taken_is_booked(
    bobs,
    doomed,
    kill_at,
    statuses,
    reconciled,
    booked,
    ran,
    hybrid_job,  # noqa: F811
):
    kill_at(hybrid_job(doomed, time_limit=3), "submit", when="after")

    assert statuses() == ["reserved"]
    eventually(ran)
    reconciled()
    assert booked() == ran()


def test_between_booking_and_sending_what_never_arrived_is_given_back(
    dwave,
    doomed,
    kill_at,
    statuses,
    reconciled,
    monkeypatch,
    hybrid_job,  # noqa: F811
):
    monkeypatch.setattr("gateway.reconcile.LOST_AFTER", timedelta(0))
    kill_at(hybrid_job(doomed, time_limit=3), "submit", when="before")

    assert statuses() == ["reserved"]
    reconciled()
    assert statuses() == ["released"]
    assert dwave.problems() == []
