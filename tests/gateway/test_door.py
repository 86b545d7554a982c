"""Who gets in, and how addresses and answers look from outside."""

import json
import logging

import pytest
import requests
from django.db import InterfaceError, InternalError, OperationalError
from django.utils import timezone

from organizations.models import ApiKey
from organizations.services import revoke_key
from tests.conftest import SECRET
from tokens.services import rename_token, upload_token


class TestKeys:
    @pytest.mark.parametrize("key", ["", "luna_unknown", "é".encode("latin-1"), "x" * 5000])
    def test_an_unknown_key_is_401(self, bobs, key):
        answer = requests.get(bobs.endpoint + "problems/", headers={"X-Auth-Token": key})

        assert answer.status_code == 401
        assert answer.json()["error_code"] == 401

    def test_so_is_none(self, bobs):
        assert requests.get(bobs.endpoint + "problems/").status_code == 401

    def test_so_is_a_revoked_one(self, bobs, bob, job):
        problem_id = bobs.run(job())["id"]
        key = ApiKey.objects.get(membership=bob, name="test")
        revoke_key(key=key, by=bob, now=timezone.now())

        for answer in (bobs.get("problems/"), bobs.get(f"problems/{problem_id}"), bobs.post("problems/", json=[job()])):
            assert answer.status_code == 401

    def test_a_key_that_may_only_read_cannot_use_tokens(self, sapi, bob, lab_token, job):
        reader = sapi(bob, scopes=["read"])

        answer = reader.post("problems/", json=[job()])

        assert answer.status_code == 403
        assert "use tokens" in answer.json()["error_msg"]

    def test_the_key_does_not_go_to_dwave(self, dwave, bobs, job):
        """The emulator knows one token only, and takes no other."""
        assert bobs.run(job())["status"] == "COMPLETED"


class TestTokens:
    @pytest.mark.parametrize("name", ["nothing", "%00", "..%2f", "%ff", "x" * 3000, "lab%20", "LAB"])
    def test_one_that_is_not_there_is_404(self, bobs, name):
        address = bobs.endpoint.replace("/lab/", f"/{name}/")

        assert bobs.session.get(address + "problems/").status_code == 404

    def test_one_of_another_organization_is_404(self, sapi, charlie, lab_token):
        assert sapi(charlie).get("problems/").status_code == 404

    def test_a_personal_one_of_somebody_else_is_404(self, sapi, alice, bobs_token):
        assert sapi(alice, name="mine", word="private").get("problems/").status_code == 404

    def test_one_for_another_provider_is_404(self, sapi, alice, lab_token):
        upload_token(scope="group", provider="ibm", name="eagle", secret="another", by=alice)

        answer = sapi(alice, name="eagle").get("problems/")

        assert answer.status_code == 404
        assert "not for D-Wave" in answer.json()["error_msg"]

    @pytest.mark.parametrize("name", ["with blanks", "Zürich:1", "a+b&c=d", "…", "re\u0301"])
    def test_odd_names_work(self, sapi, alice, bob, lab_token, job, name):
        rename_token(token=lab_token, name=name, by=alice)
        client = sapi(bob, name=name)

        problem = client.run(job())

        assert problem["status"] == "COMPLETED"


class TestAddresses:
    @pytest.mark.parametrize("path", ["", "nothing", "problems/x/nothing", "solvers", "solvers/remote/a/b", "../"])
    def test_what_is_not_there_is_404_in_json(self, bobs, path):
        answer = bobs.get(path)

        assert answer.status_code == 404
        assert answer.json()["error_code"] == 404

    @pytest.mark.parametrize(
        ("method", "path"), [("PUT", "problems/"), ("POST", "solvers/remote/"), ("PATCH", "problems/x")]
    )
    def test_other_methods_are_405_in_json(self, bobs, method, path):
        answer = bobs.request(method, path)

        assert answer.status_code == answer.json()["error_code"] == 405

    def test_other_scopes_are_404(self, bobs):
        assert bobs.session.get(bobs.endpoint.replace("/shared/", "/public/") + "problems/").status_code == 404

    @pytest.mark.parametrize("path", ["solvers/remote", "problems"])
    def test_addresses_work_with_and_without_a_slash(self, bobs, path):
        assert bobs.get(path).json() == bobs.get(path + "/").json()


class TestSolvers:
    def test_it_lists_what_the_token_can_use(self, bobs, solvers):
        answer = bobs.get("solvers/remote/", filter="none,+identity")

        assert [solver["identity"]["name"] for solver in answer.json()] == list(solvers)
        assert answer.headers["ETag"]

    def test_it_tells_what_has_not_changed(self, bobs):
        etag = bobs.get("solvers/remote/").headers["ETag"]

        answer = bobs.request("GET", "solvers/remote/", headers={"If-None-Match": etag})

        assert (answer.status_code, answer.content) == (304, b"")

    def test_it_shows_one(self, bobs, qpu):
        assert bobs.get(f"solvers/remote/{qpu.name}").json()["identity"]["name"] == qpu.name

    @pytest.mark.parametrize("name", ["no_such_solver", "%2e%2e", "..%2fproblems", "a%3Fb", "%00", "x" * 200])
    def test_others_are_404(self, bobs, name):
        assert bobs.get(f"solvers/remote/{name}").status_code == 404

    @pytest.mark.parametrize("kind", ["html", "status", "drop"])
    def test_trouble_is_a_503(self, dwave, bobs, kind, monkeypatch):
        monkeypatch.setattr("gateway.calls.RETRY_SECONDS", 0.05)
        dwave.fault("solvers", kind, times=2)

        answer = bobs.get("solvers/remote/")

        assert answer.status_code == 503
        assert answer.headers["Retry-After"]

    def test_a_token_that_dwave_does_not_take_is_the_organizations_trouble(
        self, dwave, bobs, job, statuses, monkeypatch
    ):
        monkeypatch.setattr("gateway.calls.RETRY_SECONDS", 0.05)
        bobs.submit(job())
        dwave.revoke_tokens(SECRET)

        for answer in (bobs.get("solvers/remote/"), bobs.get("problems/", id=bobs.get("problems/").json()[0]["id"])):
            assert answer.status_code == 502
            assert "Tell an admin" in answer.json()["error_msg"]
        assert bobs.post("problems/", json=[job()]).status_code == 502
        assert statuses()[-1] == "released"


class TestHttps:
    @pytest.fixture(autouse=True)
    def https(self, settings):
        settings.HTTPS = True
        settings.PORTAL_URL = "https://qpu.example.com"

    def test_what_comes_unencrypted_is_turned_away(self, bobs, job):
        answer = bobs.post("problems/", json=[job()])

        assert answer.status_code == 403
        assert answer.json()["error_msg"].startswith("Use https://qpu.example.com ")

    def test_nobody_is_believed_to_have_come_by_https(self, bobs):
        answer = bobs.request("GET", "problems/", headers={"X-Forwarded-Proto": "https"})

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("proto", "status"), [("https", 200), ("http", 403), ("https,http", 403), ("http,https", 200), ("", 403)]
    )
    def test_but_our_own_proxy(self, bobs, settings, proto, status):
        settings.TRUSTED_PROXY_COUNT = 1

        assert bobs.request("GET", "problems/", headers={"X-Forwarded-Proto": proto}).status_code == status


class TestAnswers:
    def test_they_carry_an_id_and_stay_out_of_caches(self, bobs):
        first, second = bobs.get("problems/"), bobs.get("problems/")

        assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
        assert first.headers["Cache-Control"] == "private, no-store"
        assert first.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize("error", [OperationalError, InterfaceError, InternalError])
    def test_a_database_that_is_away_is_a_503(self, bobs, job, monkeypatch, error):
        def fail(*args):
            raise error("connection refused")

        monkeypatch.setattr("gateway.calls.RETRY_SECONDS", 0.05)
        monkeypatch.setattr("gateway.services.enter", fail)

        for answer in (bobs.get("problems/"), bobs.post("problems/", json=[job()])):
            assert answer.status_code == answer.json()["error_code"] == 503
            assert answer.headers["Retry-After"]

    def test_a_database_that_goes_away_after_the_submission_leaves_it_to_the_reconciler(
        self, dwave, bobs, job, monkeypatch, reconciled, statuses, booked, ran
    ):
        def fail(*args):
            raise OperationalError("server closed the connection")

        with monkeypatch.context() as broken:
            broken.setattr("gateway.services.accept", fail)
            (item,) = bobs.submit(job())

        assert item["error_code"] == 502
        assert dwave.problems()[0]["status"] in {"PENDING", "IN_PROGRESS", "COMPLETED"}
        reconciled()
        reconciled()
        assert statuses() == ["settled"]
        assert booked() == ran() > 0

    def test_what_nobody_expected_is_a_500_without_details(self, bobs, monkeypatch):
        def fail(*args, **kwargs):
            raise RuntimeError(f"oops {SECRET}")

        monkeypatch.setattr("gateway.calls.RETRY_SECONDS", 0.05)
        monkeypatch.setattr("gateway.services.list_problems", fail)

        answer = bobs.get("problems/")

        assert answer.status_code == 500
        assert "oops" not in answer.text


class TestLog:
    def test_it_has_one_line_per_request_with_the_route_and_no_names(self, bobs, bob, job, caplog):
        caplog.set_level(logging.INFO, logger="gateway.requests")
        problem_id = bobs.run(job(label="confidential"))["id"]
        answer = bobs.get(f"problems/{problem_id}/info", secret="in-the-query")

        lines = [record.msg for record in caplog.records if record.name == "gateway.requests"]
        last = next(line for line in lines if line["request_id"] == answer.headers["X-Request-ID"])
        assert last["request"] == "GET /dwave/{scope}/{name}/sapi/v2/problems/{id}/info"
        assert (last["code"], last["user_id"], last["ip"]) == (200, bob.user_id, "127.0.0.1")
        logged = json.dumps([str(vars(record)) for record in caplog.records])
        for word in (SECRET, bobs.key, problem_id, "confidential", "in-the-query"):
            assert word not in logged
