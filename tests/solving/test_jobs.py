"""Solve jobs on the portal's own solvers: submitting, following, cancelling, deleting."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from quotas.models import Usage
from solving import queue
from solving.models import SolveJob, UploadedModel
from solving.solvers import SOLVERS
from tests.conftest import SECRET
from tokens.models import QpuToken

from .conftest import INLINE, ended, knapsack, small_model, solution, submit, submitted, upload

FOR_EVER = {"num_reads": 10_000, "num_sweeps": 1_000_000}


def test_a_job_is_solved(luna, bob, work):
    client = luna(bob)
    job = submitted(client, "SA", model=knapsack(), num_reads=50, seed=1)
    assert client.get(f"/solve-jobs/metadata/{job.pk}").json()["status"] == "REQUESTED"

    work(lambda: ended(job))

    told = client.get(f"/solve-jobs/metadata/{job.pk}").json()
    assert told["status"] == "DONE"
    assert list(told["status_timeline"]) == ["REQUESTED", "IN_PROGRESS", "DONE"]
    assert told["error_message"] is None
    assert not told["is_cancelable"]
    assert told["metadata"]["best"] == 13
    assert max(result.obj_value for result in solution(client, job).results if result.feasible) == 13
    assert UploadedModel.objects.get().facts == {"name": "knapsack", "num_variables": 5, "num_constraints": 1}
    assert not Usage.objects.exists(), "solving here costs nothing"


def test_a_job_goes_on_when_the_database_was_away(luna, bob, work, monkeypatch):
    answers = iter([OperationalError("server closed the connection")])
    model_of = queue.model_of

    def away_once(job):
        for error in answers:
            raise error
        return model_of(job)

    monkeypatch.setattr(queue, "model_of", away_once)
    monkeypatch.setattr(queue, "LEASE", timedelta(seconds=2))
    job = submitted(luna(bob), num_reads=5)

    work(lambda: ended(job))

    job.refresh_from_db()
    assert (job.status, job.attempts) == ("DONE", 2)


def test_what_cannot_be_solved_fails_with_the_reason(luna, bob, work):
    client = luna(bob)
    answer = client.generic("POST", "/models", b"no model")
    job_id = submit(client, answer.json()["id"]).json()["id"]

    work(lambda: not SolveJob.objects.unfinished().exists())

    told = client.get(f"/solve-jobs/metadata/{job_id}").json()
    assert told["status"] == "FAILED"
    assert told["error_message"] == "The model could not be read: it is damaged, or was not made by luna_model."
    assert client.get(f"/solve-jobs/data/{job_id}").status_code == 404


def test_several_jobs_run_and_one_that_fails_harms_none(luna, bob, work):
    client = luna(bob)
    jobs = [submitted(client, "SA", model=small_model(f"model {number}")) for number in range(6)]
    UploadedModel.objects.filter(pk=jobs[2].model_id).update(data=b"damaged")

    work(lambda: ended(*jobs))

    states = [SolveJob.objects.get(pk=job.pk).status for job in jobs]
    assert states == ["DONE", "DONE", "FAILED", "DONE", "DONE", "DONE"]


def test_a_model_that_is_deleted_first_fails_the_job(luna, bob, work):
    client = luna(bob)
    job = submitted(client)
    client.delete(f"/models/{job.model_id}")

    work(lambda: ended(job))

    assert "model was deleted" in client.get(f"/solve-jobs/metadata/{job.pk}").json()["error_message"]


@pytest.mark.parametrize(
    ("solver", "parameters", "words"),
    [
        ("SA", {"num_reads": 0}, "parameters.num_reads"),
        ("SA", {"num_reads": 10**9}, "parameters.num_reads"),
        ("SA", {"num_reads": "many"}, "parameters.num_reads"),
        ("SA", {"beta_range": [1]}, "parameters.beta_range"),
        ("SA", {"beta_schedule_type": SECRET}, "parameters.beta_schedule_type"),
        ("SA", {"initial_states": [[1, 0]]}, "Known are: beta_range"),
        ("SA", {SECRET: 1}, "There is a parameter that is not known here."),
        ("TS", {"tenure": 21}, "parameters.tenure"),
        ("TS", {"timeout": "nan"}, "parameters.timeout"),
        ("PT", {"n_replicas": 1000}, "parameters.n_replicas"),
        ("LBQM", {"time_limit": 0}, "parameters.time_limit"),
        ("LBQM", {"time_limit": "nan"}, "parameters.time_limit"),
        ("LBQM", {"time_limit": 1e300}, "parameters.time_limit"),
        ("LBQM", {"spin_variables": ["b0"]}, "Known are: embedding_parameters, qpu_backend, time_limit"),
        ("LCQM", {"time_limit": True}, "parameters.time_limit"),
        ("LCQM", {"time_limit": [3]}, "parameters.time_limit"),
        ("LCQM", {"spin_variables": "b0"}, "parameters.spin_variables"),
        ("LCQM", {"spin_variables": [{}]}, "parameters.spin_variables"),
        ("QA", {"annealing_time": -1}, "parameters.annealing_time"),
        ("QA", {"anneal_schedule": [[0, 0]]}, "parameters.anneal_schedule"),
        ("QA", {"embedding_parameters": {"return_overlap": True}}, "overlap"),
        ("QA", {"embedding_parameters": {"tries": 0}}, "parameters.embedding_parameters.tries"),
        ("QA", {"embedding_parameters": {"initial_chains": {"a": [-1]}}}, "initial_chains.a.0"),
        ("QA", {"embedding_parameters": {"initial_chains": {"a": [0, 100_001]}}}, "initial_chains.a.1"),
        ("QA", {"embedding_parameters": {"initial_chains": {"a": [True]}}}, "initial_chains.a.0"),
        ("QA", {"embedding_parameters": {"initial_chains": {"a": ["1"]}}}, "initial_chains.a.0"),
        ("QA", {"embedding_parameters": {"initial_chains": {"a\0": [1]}}}, "initial_chains"),
        ("QA", {"embedding_parameters": {"initial_chains": {"\ud800": [1]}}}, "initial_chains"),
        ("QA", {"qpu_backend": "../solvers"}, "parameters.qpu_backend"),
    ],
)
def test_impossible_parameters_are_refused(luna, bob, solver, parameters, words):
    client = luna(bob)

    answer = submit(client, upload(client), solver, INLINE, **parameters)

    assert answer.status_code == 422
    assert words in answer.json()["message"]
    assert not SolveJob.objects.exists()


@pytest.mark.parametrize(
    ("provider", "solver"), [("ibm", "QAOA"), ("zib", "SCIP"), ("dwave", "QAGA+"), ("dwave", "?"), (SECRET, SECRET)]
)
def test_what_is_not_offered_is_501_and_says_what_is(luna, bob, provider, solver):
    client = luna(bob)
    job = {"model_id": upload(client), "solver_name": solver, "provider": provider, "parameters": {}}

    answer = client.post("/solve-jobs", job)

    assert answer.status_code == 501
    assert answer.json()["message"].endswith("It offers dwave: QA, LBQM, LCQM, SA, TS, PT.")


def test_solvers_tell_their_parameters(luna, bob):
    told = luna(bob).get("/solvers/available").json()

    assert {provider: list(solvers) for provider, solvers in told.items()} == {
        provider: list(solvers) for provider, solvers in SOLVERS.items()
    }
    assert told["dwave"]["SA"]["params"]["num_reads"] == {"type": "integer", "minimum": 1, "maximum": 10_000}
    assert all(solver["available"] for solver in told["dwave"].values())


def test_circuits_are_not_offered(api, bob):
    client = api(bob)

    for answer in (client.post("/luna-q/api/v1/circuits", {}), client.get("/luna-q/api/v1/circuits/1/ibm")):
        assert answer.status_code == 501
        assert "runs no circuits" in answer.json()["message"]


def test_tokens_that_a_job_does_not_need_are_not_kept(luna, bob):
    job = submitted(luna(bob), "SA", token=INLINE)

    assert job.token is None
    assert not QpuToken.objects.exists()


def test_one_that_waits_is_cancelled_at_once(luna, bob):
    client = luna(bob)
    job = submitted(client)

    told = client.post(f"/solve-jobs/metadata/{job.pk}/cancel").json()

    assert told["status"] == "CANCELED"
    assert client.post(f"/solve-jobs/metadata/{job.pk}/cancel").json()["status"] == "CANCELED"


def test_one_that_runs_is_cancelled_soon(luna, bob, work, monkeypatch):
    monkeypatch.setattr("solving.worker.RENEW_SECONDS", 0.05)
    client = luna(bob)
    job = submitted(client, "SA", **FOR_EVER)

    def cancelled():
        row = SolveJob.objects.get(pk=job.pk)
        if row.stage == "Solving." and row.cancel_requested_at is None:
            told = client.post(f"/solve-jobs/metadata/{job.pk}/cancel").json()
            assert told["is_cancellation_requested"]
        return row.is_finished

    work(cancelled)

    assert SolveJob.objects.get(pk=job.pk).status == "CANCELED"


def test_one_that_runs_is_not_deleted_but_asked_to_end(luna, bob):
    client = luna(bob)
    job = submitted(client)
    queue.take("worker", timezone.now())

    assert client.delete(f"/solve-jobs/{job.pk}").status_code == 409

    assert SolveJob.objects.get().cancel_requested_at is not None


def test_a_deleted_job_is_gone(luna, bob, work):
    client = luna(bob)
    job, waiting = submitted(client), submitted(client)
    client.delete(f"/solve-jobs/{waiting.pk}")
    work(lambda: ended(job))

    assert client.delete(f"/solve-jobs/{job.pk}").status_code == 204
    assert client.get(f"/solve-jobs/metadata/{job.pk}").status_code == 404
    assert not SolveJob.objects.exists()


def test_jobs_of_others_are_not_there(luna, alice, bob):
    job = submitted(luna(bob))
    client = luna(alice)

    for answer in (
        client.get(f"/solve-jobs/metadata/{job.pk}"),
        client.get(f"/solve-jobs/data/{job.pk}"),
        client.post(f"/solve-jobs/metadata/{job.pk}/cancel"),
        client.delete(f"/solve-jobs/{job.pk}"),
        submit(client, job.model_id),
    ):
        assert answer.status_code == 404
    assert client.get("/solve-jobs/metadata").json() == []


def test_jobs_are_listed_newest_first_and_by_model(luna, bob):
    client = luna(bob)
    first, second = submitted(client), submitted(client, model=small_model("another"))

    def listed(query):
        return [job["id"] for job in client.get(f"/solve-jobs/metadata?{query}").json()]

    assert listed("") == [str(second.pk), str(first.pk)]
    assert listed(f"model_id={first.model_id}") == [str(first.pk)]
    assert listed("limit=1&offset=1&timeframe=last_week") == [str(first.pk)]


@pytest.mark.parametrize(("version", "timed"), [("1.1.3", False), ("1.2.0", True), ("1.3.1", True)])
def test_sdks_that_cannot_read_a_timing_get_none(luna, bob, work, version, timed):
    client = luna(bob)
    client.defaults["HTTP_USER_AGENT"] = f"LunaSDK/{version}"
    job = submitted(client, "SA", num_reads=5)

    work(lambda: ended(job))

    assert (solution(client, job).runtime is not None) == timed
    assert SolveJob.objects.get().runtime_ns > 0


def test_no_more_jobs_of_a_member_wait_than_may(luna, alice, bob, settings):
    settings.SOLVING_MAX_WAITING = 2
    client = luna(bob)
    model_id = upload(client)
    first, _ = submit(client, model_id), submit(client, model_id)

    answer = submit(client, model_id)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5"), "by which the SDK waits"
    assert answer.json()["message"].startswith("2 of your jobs wait for a worker, and at most 2 may.")
    assert SolveJob.objects.count() == 2
    assert submit(luna(alice), upload(luna(alice))).status_code == 201
    client.post(f"/solve-jobs/metadata/{first.json()['id']}/cancel")
    assert submit(client, model_id).status_code == 201


def test_what_a_job_tells_of_its_result(luna, bob, work):
    client = luna(bob)
    job = submitted(client, "SA")

    work(lambda: ended(job))

    assert SolveJob.objects.get().result_size == len(client.get(f"/solve-jobs/data/{job.pk}").content)


def test_a_job_that_waits_tells_its_place(luna, bob):
    client = luna(bob)
    submitted(client)
    second = submitted(client)

    told = client.get(f"/solve-jobs/metadata/{second.pk}").json()

    assert told["solver_job_info"] == "Waiting for a worker, 1 jobs before it."


def test_a_key_that_may_only_read_submits_nothing(luna, bob):
    model_id = upload(luna(bob))

    assert submit(luna(bob, scopes=["read"]), model_id).status_code == 403
