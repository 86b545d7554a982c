"""Hybrid problems: data in parts, answers as files, and time at a rate."""

import base64
import hashlib

import dimod
import pytest
import requests
from dwave.optimization import Model

from quotas.models import Usage

from .conftest import SAPI


@pytest.fixture
def upload():
    """upload(client, data): the id under which D-Wave keeps it."""

    def upload_by(client, data):
        upload_id = client.post("bqm/multipart", json={"size": len(data)}).json()["id"]
        digest = hashlib.md5(data).digest()
        headers = {"Content-MD5": base64.b64encode(digest).decode(), "Content-Type": "application/octet-stream"}
        assert client.request("PUT", f"bqm/multipart/{upload_id}/part/1", data=data, headers=headers).status_code == 200
        status = client.get(f"bqm/multipart/{upload_id}/status").json()
        assert status["parts"] == [{"part_number": 1, "checksum": digest.hex()}]
        checksum = hashlib.md5(digest).hexdigest()
        assert client.post(f"bqm/multipart/{upload_id}/combine", json={"checksum": checksum}).status_code == 200
        return upload_id

    return upload_by


@pytest.fixture
def hybrid_job(hybrid, upload):
    """hybrid_job(client, time_limit=5)"""

    def make(client, **params):
        bqm = dimod.BinaryQuadraticModel({0: 1.0, 1: -1.0}, {(0, 1): 0.5}, "SPIN")
        with bqm.to_file() as file:
            data = {"format": "ref", "data": upload(client, file.read())}
        return {"solver": hybrid.identity, "type": "bqm", "params": params, "data": data}

    return make


def test_it_books_what_dwave_deducts(bobs, hybrid_job, booked, ran):
    problem = bobs.run(hybrid_job(bobs, time_limit=3))

    charged = problem["answer"]["data"]["info"]["charge_time"]
    assert booked() == ran() == round(charged * 1000 / 20)
    assert Usage.objects.get().estimate_ns == 3 * 10**9 // 20 * 105 // 100


def test_it_does_not_start_without_a_time_limit(dwave, bobs, hybrid_job):
    (item,) = bobs.submit(hybrid_job(bobs))

    assert item["error_code"] == 400
    assert "time_limit" in item["error_msg"]
    assert dwave.problems() == []


def test_the_quota_holds(bobs, hybrid_job, assign):
    assign(None, 150_000_000)

    (item,) = bobs.submit(hybrid_job(bobs, time_limit=3))

    assert "insufficient remaining solver access time" in item["error_msg"]


@pytest.mark.parametrize("number", ["0", "10001", "x", "-1"])
def test_parts_have_numbers(bobs, number):
    upload_id = bobs.post("bqm/multipart", json={"size": 4}).json()["id"]

    answer = bobs.request("PUT", f"bqm/multipart/{upload_id}/part/{number}", data=b"data")

    assert answer.status_code in {400, 404}


class TestFiles:
    @pytest.fixture
    def problem(self, bobs, solvers, upload):
        model = Model()
        x = model.binary(3)
        model.minimize(x.sum())
        with model.lock(), model.to_file() as file:
            data = {"format": "ref", "data": upload(bobs, file.read())}
        solver = next(solver for solver in solvers.values() if "nl" in solver.problem_types)
        return bobs.run({"solver": solver.identity, "type": "nl", "params": {"time_limit": 1}, "data": data})

    def test_their_address_is_ours_and_works_with_the_callers_key(self, bobs, problem, gateway_address, booked, ran):
        url = problem["answer"]["url"]

        assert url == f"/dwave/shared/lab/sapi/v2/problems/{problem['id']}/answer/data/"
        answer = bobs.session.get(gateway_address + url)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert booked() == ran() > 0

    @pytest.mark.parametrize("path", ["/answer", "/info", ""])
    def test_wherever_it_stands(self, bobs, problem, path):
        answer = bobs.get(f"problems/{problem['id']}{path}")

        assert answer.json()["answer"]["url"].startswith("/dwave/shared/lab/")
        assert answer.headers["Content-Type"].startswith(SAPI)

    def test_one_that_breaks_off_does_not_pass_for_a_whole_one(self, dwave, bobs, problem, gateway_address):
        dwave.fault("data", "cut")

        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            bobs.session.get(gateway_address + problem["answer"]["url"])

    def test_errors_are_no_files(self, dwave, bobs, problem, gateway_address, monkeypatch):
        monkeypatch.setattr("gateway.calls.RETRY_SECONDS", 0.05)
        dwave.fault("data", "html")

        answer = bobs.session.get(gateway_address + problem["answer"]["url"])

        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/json"
