"""A gateway that serves, an emulated D-Wave behind it, and programs that speak SAPI to it, with and without Ocean."""

import asyncio
import base64
import re
import socket
import threading
import time
from datetime import timedelta

import numpy
import pytest
import requests
import uvicorn
from django.utils import timezone

from emulator.app import make_app
from emulator.codec import encode_problem
from emulator.server import running
from emulator.solvers import catalogue
from gateway.app import application
from gateway.calls import Gateway
from gateway.reconcile import reconcile
from organizations import services as organizations
from quotas import daily
from quotas import services as quotas
from quotas.models import Usage
from quotas.proof import prove
from tests.conftest import SECRET

MARKER = re.compile(rb"\[luna:\d+:[0-9a-f]{12}\]")
SAPI = "application/vnd.dwave.sapi."


# --- Servers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def dwave_server():
    with running(make_app([SECRET], settings={"pace": 0.0}, seed=1)) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def gateway_app():
    return application()


@pytest.fixture(scope="session")
def gateway_address(gateway_app):
    """The gateway, served by uvicorn in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(gateway_app, log_config=None, access_log=False, proxy_headers=False, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listener.close()
    assert not thread.is_alive()


@pytest.fixture
def dwave(dwave_server, gateway_address, transactional_db, settings):
    """The emulated D-Wave, empty, where the gateway sends jobs. Afterwards the ledger must prove itself."""
    settings.DWAVE_UPSTREAM_ENDPOINT = dwave_server.endpoint
    dwave_server.reset()
    yield dwave_server
    dwave_server.reset()  # ends polls that are held
    assert prove()[1] == []
    assert daily.prove()[1] == []


# --- Programs ---------------------------------------------------------------------------------------------------------


class Sapi:
    """A program without Ocean, at one token of the portal. Every answer is searched for the organization's secret."""

    def __init__(self, endpoint, key):
        self.endpoint = endpoint
        self.key = key
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = key

    def request(self, method, path, **options):
        answer = self.session.request(method, self.endpoint + path, timeout=40, allow_redirects=False, **options)
        assert SECRET.encode() not in answer.content
        assert SECRET not in str(answer.headers)
        assert not MARKER.search(answer.content), "it is nobody's business"
        return answer

    def get(self, path, **query):
        return self.request("GET", path, params=query)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def submit(self, *jobs):
        answer = self.post("problems/", json=list(jobs))
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith(f"{SAPI}problems+json; version=3.")
        return answer.json()

    def submit_id(self, job):
        (item,) = self.submit(job)
        assert "id" in item, item
        return item["id"]

    def wait(self, problem_id):
        """The problem with its answer, when it has ended."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            (status,) = self.get("problems/", id=problem_id, timeout=5).json()
            if status["status"] in {"COMPLETED", "FAILED", "CANCELLED"}:
                return self.get(f"problems/{problem_id}/").json()
        raise AssertionError(f"{problem_id} did not end")

    def run(self, job):
        return self.wait(self.submit_id(job))


@pytest.fixture
def sapi(dwave, gateway_address):
    """sapi(member): a program of this member's at the token lab, or at another one."""
    clients = []

    def client_for(member, name="lab", word="shared", **key):
        raw_key = organizations.issue_key(name="test", by=member, now=timezone.now(), **key)[1]
        clients.append(Sapi(f"{gateway_address}/dwave/{word}/{name}/sapi/v2/", raw_key))
        return clients[-1]

    yield client_for
    for client in clients:
        client.session.close()


@pytest.fixture
def bobs(sapi, bob, lab_token):
    return sapi(bob)


@pytest.fixture
def alices(sapi, alice, lab_token):
    return sapi(alice)


# --- Jobs -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def solvers():
    return catalogue()


@pytest.fixture(scope="session")
def qpu(solvers):
    return next(solver for solver in solvers.values() if solver.graph_id)


@pytest.fixture(scope="session")
def hybrid(solvers):
    return next(solver for solver in solvers.values() if "bqm" in solver.problem_types)


@pytest.fixture
def job(qpu):
    """job(num_reads=2): one qubit that wants to be down."""

    def make(*, label=None, **params):
        made = {
            "solver": qpu.identity,
            "type": "ising",
            "params": params,
            "data": encode_problem(qpu.graph, {int(qpu.graph.qubits[0]): 1.0}, {}),
        }
        return made | ({"label": label} if label is not None else {})

    return make


def biases(*values):
    """A `lin` of these biases; None is a qubit that is not used."""
    return base64.b64encode(numpy.array([numpy.nan if v is None else v for v in values], "<f8")).decode()


# --- Books ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def assign(alice, lab_token):
    """assign(member or None, quota_ns): a quota on the token lab."""

    def assign_quota(member, quota_ns, **options):
        options = {"token": lab_token, "by": alice, "now": timezone.now()} | options
        return quotas.assign_quota(member=member, quota_ns=quota_ns, **options)

    return assign_quota


@pytest.fixture
def booked(dwave):
    """booked(): nanoseconds of all lines that are settled."""

    def booked_ns():
        return sum(Usage.objects.filter(status="settled").values_list("access_time_ns", flat=True))

    return booked_ns


@pytest.fixture
def statuses(dwave):
    """statuses(): of all lines of the ledger, oldest first."""
    return lambda: list(Usage.objects.order_by("pk").values_list("status", flat=True))


@pytest.fixture
def ran(dwave):
    """ran(): nanoseconds that D-Wave has deducted."""
    return lambda: dwave.ledger(SECRET)["deducted_ns"]


@pytest.fixture
def reconciled(dwave, monkeypatch):
    """reconciled(): one round of a reconciler that finds every open problem worth looking at."""
    monkeypatch.setattr("gateway.reconcile.QUIET", timedelta(seconds=-1))

    async def one_round():
        gateway = Gateway()
        async with gateway.running():
            return await reconcile(gateway)

    return lambda: asyncio.run(one_round())


def eventually(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not (outcome := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return outcome
