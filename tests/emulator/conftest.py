"""An emulator that serves, two tokens, and a client that speaks SAPI without Ocean."""

import time
from collections.abc import Iterator

import pytest
import requests

from emulator.app import make_app
from emulator.client import Emulator
from emulator.codec import encode_problem
from emulator.server import running
from emulator.solvers import Solver, catalogue

ALPHA, BETA = "DEV-alpha-token", "DEV-beta-token"
FINAL = {"COMPLETED", "FAILED", "CANCELLED"}


class Sapi:
    """What a program without Ocean sends."""

    def __init__(self, endpoint: str, token: str) -> None:
        self.endpoint = endpoint
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = token

    def request(self, method: str, path: str, **options) -> requests.Response:
        return self.session.request(method, f"{self.endpoint}/{path}", timeout=40, **options)

    def get(self, path: str, **query) -> requests.Response:
        return self.request("GET", path, params=query)

    def submit(self, *jobs: dict) -> list[dict]:
        response = self.request("POST", "problems/", json=list(jobs))
        assert response.status_code == 200, response.text
        return response.json()

    def run(self, *jobs: dict) -> list[dict]:
        """Submit, wait, fetch: the problems with their answers."""
        return [self.wait(item["id"]) for item in self.submit(*jobs)]

    def wait(self, problem_id: str) -> dict:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            problem = self.get(f"problems/{problem_id}", timeout=5).json()
            if problem["status"] in FINAL:
                return problem
        raise AssertionError(f"{problem_id} did not end")


@pytest.fixture(scope="session")
def solvers() -> dict[str, Solver]:
    return catalogue()


@pytest.fixture(scope="session")
def qpu(solvers: dict[str, Solver]) -> Solver:
    return next(solver for solver in solvers.values() if solver.graph_id)


@pytest.fixture(scope="session")
def server() -> Iterator[Emulator]:
    with running(make_app([ALPHA, BETA], settings={"pace": 0.0}, seed=1)) as emulator:
        yield emulator


@pytest.fixture
def emulator(server: Emulator) -> Emulator:
    server.reset()
    return server


@pytest.fixture
def sapi(emulator: Emulator) -> Iterator[Sapi]:
    """Speaks for the token alpha."""
    client = Sapi(emulator.endpoint, ALPHA)
    with client.session:
        yield client


@pytest.fixture
def stranger(emulator: Emulator) -> Iterator[Sapi]:
    """Speaks for the token beta."""
    client = Sapi(emulator.endpoint, BETA)
    with client.session:
        yield client


@pytest.fixture
def job(qpu: Solver):
    """job(num_reads=2): one qubit that wants to be down, or the given biases."""

    def make(linear=None, quadratic=None, *, label=None, type_="ising", **params) -> dict:
        first = int(qpu.graph.qubits[0])
        made = {
            "solver": qpu.identity,
            "type": type_,
            "params": params,
            "data": encode_problem(qpu.graph, linear or {first: 1.0}, quadratic or {}),
        }
        return made | ({"label": label} if label else {})

    return make
