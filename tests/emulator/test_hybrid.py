"""Hybrid solvers: uploads, answers, charges."""

import base64
import hashlib
import io
import itertools

import dimod
import pytest
from dwave.optimization import Model

from emulator.uploads import PART_SIZE

from .conftest import ALPHA


def md5(data: bytes) -> bytes:
    return hashlib.md5(data).digest()


class Upload:
    def __init__(self, sapi, data: bytes) -> None:
        self.sapi = sapi
        self.parts = [data[start : start + PART_SIZE] for start in range(0, len(data), PART_SIZE)]
        self.path = "bqm/multipart/" + sapi.request("POST", "bqm/multipart", json={"size": len(data)}).json()["id"]

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]

    def put(self, number: int, **headers: str):
        part = self.parts[number - 1]
        headers = {"Content-MD5": base64.b64encode(md5(part)).decode()} | headers
        headers |= {"Content-Type": headers.pop("kind", "application/octet-stream")}
        return self.sapi.request("PUT", f"{self.path}/part/{number}", data=part, headers=headers)

    def combine(self, checksum: str | None = None):
        checksum = checksum or md5(b"".join(map(md5, self.parts))).hex()
        return self.sapi.request("POST", f"{self.path}/combine", json={"checksum": checksum})

    def status(self) -> dict:
        return self.sapi.get(f"{self.path}/status").json()

    def complete(self) -> str:
        for number in range(1, len(self.parts) + 1):
            assert self.put(number).json() == {}
        assert self.combine().json() == {}
        return self.id


@pytest.fixture
def hybrid_job(solvers):
    def make(upload_id: str, type_: str = "bqm", **params) -> dict:
        solver = next(solver for solver in solvers.values() if type_ in solver.problem_types)
        data = {"format": "ref", "data": upload_id}
        return {"solver": solver.identity, "type": type_, "params": params, "data": data}

    return make


@pytest.fixture
def bqm() -> dimod.BQM:
    return dimod.BQM.from_ising({"a": 1.0}, {("a", "b"): 1.0, ("b", "c"): 1.0}, offset=5.0)


@pytest.fixture
def uploaded(sapi, bqm) -> str:
    with bqm.to_file() as file:
        return Upload(sapi, file.read()).complete()


def test_an_upload_in_parts(sapi):
    upload = Upload(sapi, bytes(PART_SIZE) + b"the rest")

    upload.put(2)
    assert upload.status() == {
        "status": "UPLOAD_IN_PROGRESS",
        "parts": [{"part_number": 2, "checksum": md5(b"the rest").hex()}],
    }
    upload.complete()
    assert upload.status() == {"status": "UPLOAD_COMPLETED", "parts": []}


def test_uploads_refuse_nonsense(sapi):
    upload = Upload(sapi, b"data")

    assert sapi.request("POST", "bqm/multipart", json={"size": -1}).status_code == 400
    assert upload.put(1, **{"Content-MD5": "wrong"}).status_code == 400
    assert upload.put(1, kind="text/plain").status_code == 415
    assert upload.combine().status_code == 400  # nothing is there yet
    upload.put(1)
    assert upload.combine("0" * 32).status_code == 400
    assert upload.combine().status_code == 200


def test_uploads_have_an_owner(stranger, uploaded, hybrid_job):
    assert stranger.get(f"bqm/multipart/{uploaded}/status").status_code == 404
    assert stranger.submit(hybrid_job(uploaded))[0]["error_code"] == 404


def test_a_quadratic_model(sapi, emulator, bqm, uploaded, hybrid_job):
    [problem] = sapi.run(hybrid_job(uploaded, time_limit=3))

    samples = dimod.SampleSet.from_serializable(problem["answer"]["data"])
    assert samples.first.energy == bqm.energy(samples.first.sample) == 2.0
    info = samples.info
    assert (info["charge_time"], info["run_time"] > info["charge_time"]) == (3_000_000, True)
    [entry] = emulator.ledger(ALPHA)["entries"]
    assert (entry["charged_ns"], entry["deducted_ns"]) == (3_000_000_000, 150_000_000)  # a twentieth


@pytest.fixture
def knapsack():
    """Sixty things, of which some fit."""
    weights = [(7 * number) % 31 + 10 for number in range(60)]
    things = [dimod.Binary(f"thing {number}") for number in range(60)]
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.set_objective(-sum((weight % 13 + 1) * thing for weight, thing in zip(weights, things, strict=True)))
    cqm.add_constraint(sum(weight * thing for weight, thing in zip(weights, things, strict=True)) <= 500)
    return cqm


def greedy(cqm):
    """What one gets who takes things by their worth for the weight."""
    (constraint,) = cqm.constraints.values()
    room, worth = constraint.rhs, 0.0
    for name in sorted(cqm.variables, key=lambda name: cqm.objective.linear[name] / constraint.lhs.linear[name]):
        if constraint.lhs.linear[name] <= room:
            room, worth = room - constraint.lhs.linear[name], worth + cqm.objective.linear[name]
    return worth


def test_a_constrained_model(sapi, knapsack, hybrid_job):
    with knapsack.to_file() as file:
        upload_id = Upload(sapi, file.read()).complete()

    [problem] = sapi.run(hybrid_job(upload_id, "cqm", time_limit=5))

    samples = dimod.SampleSet.from_serializable(problem["answer"]["data"])
    feasible = samples.filter(lambda sample: sample.is_feasible)
    assert all(knapsack.check_feasible(sample) for sample in feasible.samples())
    assert feasible.first.energy <= 0.95 * greedy(knapsack)
    assert samples.info["charge_time"] == 5_000_000


def test_a_constrained_model_that_nothing_satisfies(sapi, hybrid_job):
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.add_constraint(dimod.Spin("s") + dimod.Binary("b") >= 3)
    with cqm.to_file() as file:
        upload_id = Upload(sapi, file.read()).complete()

    [problem] = sapi.run(hybrid_job(upload_id, "cqm", time_limit=5))

    samples = dimod.SampleSet.from_serializable(problem["answer"]["data"])
    assert not samples.record.is_feasible.any()
    assert samples.record.is_satisfied.shape == (len(samples), 1)


KINDS = {
    "spin": dimod.Spin("v"),
    "integer": dimod.Integer("v", lower_bound=-1, upper_bound=1),
    "real": dimod.Real("v", lower_bound=-1, upper_bound=1),
}


@pytest.mark.parametrize("kinds", [*itertools.permutations(KINDS, 2)], ids="-".join)
def test_variables_of_all_kinds(sapi, hybrid_job, kinds):
    cqm = dimod.ConstrainedQuadraticModel()
    for kind in kinds:
        cqm.add_constraint(dimod.Binary("b") + KINDS[kind].relabel_variables({"v": kind}, inplace=False) <= 2)
    cqm.set_objective(dimod.Binary("b") * 1.0)
    with cqm.to_file() as file:
        upload_id = Upload(sapi, file.read()).complete()

    [problem] = sapi.run(hybrid_job(upload_id, "cqm", time_limit=5))

    samples = dimod.SampleSet.from_serializable(problem["answer"]["data"])
    assert samples.filter(lambda sample: sample.is_feasible).first.energy == 0


def test_a_nonlinear_model(sapi, emulator, hybrid_job):
    model = Model()
    order, flags = model.list(4), model.binary(3)
    model.minimize((order * model.constant([4, 3, 2, 1])).sum() + flags.sum())
    model.add_constraint(flags.sum() >= model.constant(1))
    with model.to_file(max_num_states=0) as file:
        upload_id = Upload(sapi, file.read()).complete()

    [problem] = sapi.run(hybrid_job(upload_id, "nl", time_limit=1))

    answer = problem["answer"]
    assert answer["format"] == "binary-ref"
    assert answer["timing"]["charge_time"] == 1_000_000
    assert answer["url"] == f"{emulator.endpoint}/problems/{problem['id']}/answer/data/"
    data = sapi.session.get(answer["url"], timeout=5)
    assert data.headers["Content-Type"] == "application/octet-stream"
    model.states.from_file(io.BytesIO(data.content), check_header=False)
    with model.lock():
        assert (len(model.states), model.feasible(0)) == (1, True)
        assert model.objective.state(0) <= 16


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"time_limit": 0.5}, "less than the allowed minimum time_limit 1.0 s"),
        ({"time_limit": 1e9}, "time_limit must be a number"),
        ({"time_limit": "3"}, "time_limit must be a number"),
        ({"num_reads": 3}, "Unknown parameter"),
    ],
)
def test_it_refuses_parameters(sapi, uploaded, hybrid_job, params, complaint):
    [refusal] = sapi.submit(hybrid_job(uploaded, **params))

    assert complaint in refusal["error_msg"]


def test_an_upload_must_be_complete(sapi, hybrid_job):
    assert sapi.submit(hybrid_job(Upload(sapi, b"data").id))[0]["error_msg"] == "The upload is not complete"
    assert sapi.submit(hybrid_job("unknown"))[0]["error_code"] == 404
    assert sapi.submit(hybrid_job("unknown") | {"data": {"format": "ref"}})[0]["error_code"] == 400


def test_what_cannot_be_read_fails_and_is_not_charged(sapi, emulator, hybrid_job):
    [problem] = sapi.run(hybrid_job(Upload(sapi, b"no model").complete(), time_limit=1))

    assert problem["status"] == "FAILED"
    assert problem["error_message"]
    assert "answer" not in problem
    assert emulator.ledger(ALPHA)["problems"] == 0


def test_a_run_can_be_cancelled(sapi, emulator, uploaded, hybrid_job):
    emulator.configure(run_delay=60.0)
    [status] = sapi.submit(hybrid_job(uploaded, time_limit=1))
    while sapi.get("problems/").json()[0]["status"] == "PENDING":
        pass

    assert sapi.request("DELETE", f"problems/{status['id']}").status_code == 202
    assert sapi.wait(status["id"])["status"] == "CANCELLED"
    assert emulator.ledger(ALPHA)["problems"] == 0
