"""Members who solve models, a worker that runs their jobs, and an emulated D-Wave behind it."""

import asyncio

import pytest
from django.core.cache import cache
from django.utils import timezone
from luna_model import Model, Sense, Solution

from emulator.app import make_app
from emulator.server import running
from organizations.services import issue_key
from quotas.models import Usage
from quotas.proof import prove
from solving.models import SolveJob
from solving.worker import Worker
from tests.conftest import SECRET
from tests.luna.conftest import SdkClient


@pytest.fixture(scope="session")
def dwave_server():
    with running(make_app([SECRET], settings={"pace": 0.0}, seed=1)) as emulator:
        yield emulator


@pytest.fixture
def dwave(dwave_server, transactional_db, settings):
    """The emulated D-Wave, empty. Afterwards the ledger must prove itself."""
    settings.DWAVE_UPSTREAM_ENDPOINT = dwave_server.endpoint
    cache.clear()
    dwave_server.reset()
    yield dwave_server
    dwave_server.reset()
    assert prove()[1] == []


@pytest.fixture
def luna(db):
    """luna(member): a program with a key of this member's that speaks as LunaSolve does."""

    def client_for(member, **key):
        raw_key = issue_key(name="test", by=member, now=timezone.now(), **key)[1]
        return SdkClient("/luna-solve/api/v1", headers={"Luna-API-Key": raw_key})

    return client_for


def small_model(name="small"):
    """Its minimum is -5, at b0 = 1 and b1 = 0."""
    model = Model(name)
    b0, b1 = model.add_variable("b0"), model.add_variable("b1")
    model.objective = -5 * b0 - b1 + 3 * b0 * b1
    return model


def knapsack():
    """Its maximum is 13."""
    model = Model("knapsack", sense=Sense.MAX)
    things = [model.add_variable(f"v{i}") for i in range(5)]
    model.objective = sum((i + 3) * thing for i, thing in enumerate(things))
    model.constraints += sum((i + 1) * thing for i, thing in enumerate(things)) <= 7
    return model


GROUP = {"source": "organization", "name": "lab", "token": None}
PERSONAL = {"source": "personal", "name": "mine", "token": None}
INLINE = {"source": "inline", "name": None, "token": SECRET}


def upload(client, model=None):
    """The id of the model that was uploaded."""
    data = (model or small_model()).serialize()
    answer = client.generic("POST", "/models", data, content_type="application/octet-stream")
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def submit(client, model_id, solver="SA", token=None, **parameters):
    """What is answered to a job."""
    tokens = {"dwave": token, "ibm": None, "qctrl": None, "aws": None}
    job = {"model_id": model_id, "solver_name": solver, "provider": "dwave", "parameters": parameters}
    return client.post("/solve-jobs", job | {"qpu_tokens": tokens, "name": None})


def submitted(client, solver="SA", token=None, model=None, **parameters):
    """The job that was submitted."""
    answer = submit(client, upload(client, model), solver, token, **parameters)
    assert answer.status_code == 201, answer.content
    return SolveJob.objects.get(pk=answer.json()["id"])


def solution(client, job):
    answer = client.get(f"/solve-jobs/data/{job.pk}")
    assert answer.status_code == 200, answer.content
    return Solution.deserialize(answer.content)


def ended(*jobs):
    """Whether all of these jobs have ended."""
    return not SolveJob.objects.unfinished().filter(pk__in=[job.pk for job in jobs]).exists()


@pytest.fixture
def work(transactional_db):
    """work(condition): a worker works until the condition holds, and then ends as if it had been killed or told to."""

    def until(condition, *, killed=False):
        asyncio.run(work_until(condition, killed))

    return until


async def work_until(condition, killed):
    worker = Worker()
    if killed:
        worker.in_database = unless_it_lets_fall(worker.in_database)
    task = asyncio.create_task(worker.work())
    async with asyncio.timeout(60):
        while not await worker.in_database(condition):
            assert not task.done(), task
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def unless_it_lets_fall(in_database):
    async def wrapper(function, *args, **kwargs):
        return None if function.__name__ == "let_fall" else await in_database(function, *args, **kwargs)

    return wrapper


@pytest.fixture
def line(db):
    """line(): the only line of the ledger."""
    return lambda: Usage.objects.get()
