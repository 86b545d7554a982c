"""Jobs on a QPU: what is reserved, what is booked, which token pays, and what becomes of it when things break."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from gateway.models import Problem, TokenRules
from organizations.models import Organization, Plan
from quotas.models import RefusedJobs, TimeQuotaPolicy, Usage
from quotas.services import assign_quota
from solving import queue
from solving.models import SolveJob
from tests.conftest import SECRET
from tests.gateway.conftest import reconciled  # noqa: F401  a fixture
from tokens.models import QpuToken
from tokens.services import delete_token

from .conftest import GROUP, INLINE, PERSONAL, ended, knapsack, small_model, solution, submit, submitted, upload

SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("solving.worker.RENEW_SECONDS", 0.05)


@pytest.fixture
def quota(alice, lab_token):
    """quota(ns): of the group on the token lab."""

    def assign(quota_ns, **window):
        now = timezone.now()
        return assign_quota(token=lab_token, member=None, quota_ns=quota_ns, by=alice, now=now, **window)

    return assign


def ran(dwave):
    return dwave.ledger(SECRET)["deducted_ns"]


class TestSolving:
    @pytest.mark.parametrize("token", [GROUP, PERSONAL, INLINE])
    def test_on_a_token_of_each_kind(self, dwave, luna, bob, lab_token, bobs_token, work, line, token):
        client = luna(bob)
        job = submitted(client, "QA", token, knapsack(), num_reads=200)

        work(lambda: ended(job))

        samples = solution(client, job)
        assert max(result.obj_value for result in samples.results if result.feasible) == 13
        assert sum(samples.counts) == 200
        assert (line().status, line().source) == ("settled", "solve_job")
        assert line().access_time_ns == ran(dwave) == SolveJob.objects.get().runtime_ns > 0
        assert samples.runtime.qpu == pytest.approx(ran(dwave) / SECOND)

    def test_the_reservation_is_an_upper_bound_first_and_exact_then(self, dwave, luna, bob, quota, work, line):
        quota(SECOND)
        job = submitted(luna(bob), "QA", GROUP, num_reads=100)
        at_first = line().estimate_ns
        assert TimeQuotaPolicy.objects.get().reserved_ns == at_first

        work(lambda: ended(job))

        cost = line().access_time_ns
        assert cost <= line().estimate_ns < at_first
        assert line().estimate_ns <= cost * 1.06
        policy = TimeQuotaPolicy.objects.get()
        assert (policy.used_ns, policy.reserved_ns) == (cost, 0)

    def test_parameters_reach_dwave(self, dwave, luna, bob, lab_token, work, line):
        job = submitted(
            luna(bob),
            "QA",
            GROUP,
            num_reads=10,
            annealing_time=100.0,
            chain_strength=3.0,
            embedding_parameters={"tries": 5, "random_seed": 1, "initial_chains": {}},
            qpu_backend="Advantage2_emulator1.1",
            initial_state=None,
        )
        plain = submitted(luna(bob), "QA", GROUP, num_reads=10)

        work(lambda: ended(job, plain))

        costs = dict(Usage.objects.values_list("solve_job", "access_time_ns"))
        assert costs[job.pk] >= costs[plain.pk] + 10 * 79_000, "ten reads, each longer by about 80 microseconds"
        assert Usage.objects.get(solve_job=job).solver == "Advantage2_emulator1.1"

    def test_parameters_and_chains_count_as_storage(self, dwave, luna, bob, lab_token, work):
        job = submitted(luna(bob), "QA", GROUP)
        assert job.json_size == len(json.dumps(job.parameters))

        work(lambda: ended(job))

        job.refresh_from_db()
        assert job.json_size == len(json.dumps(job.parameters)) + len(json.dumps(job.chains))

    def test_several_at_once(self, dwave, luna, alice, bob, lab_token, work):
        jobs = [submitted(luna(member), "QA", GROUP, num_reads=20) for member in (alice, bob) for _ in range(4)]

        work(lambda: ended(*jobs))

        assert set(SolveJob.objects.values_list("status", flat=True)) == {"DONE"}
        assert sum(Usage.objects.values_list("access_time_ns", flat=True)) == ran(dwave)


@pytest.mark.parametrize(
    "shut_out",
    [lambda: User.objects.update(is_active=False), lambda: Organization.objects.update(closed_at=timezone.now())],
    ids=["account", "organization"],
)
def test_who_is_shut_out_while_their_job_is_prepared_spends_nothing(
    dwave, luna, bob, quota, work, line, monkeypatch, shut_out
):
    quota(SECOND)
    tell = queue.tell
    monkeypatch.setattr(queue, "tell", lambda job, stage: (shut_out(), tell(job, stage)))
    job = submitted(luna(bob), "QA", GROUP)

    work(lambda: ended(job))

    job.refresh_from_db()
    assert "was closed before it could begin" in job.error_message
    assert (ran(dwave), line().status, TimeQuotaPolicy.objects.get().reserved_ns) == (0, "released", 0)


class TestTokens:
    def refused(self, answer, status, words):
        assert answer.status_code == status, answer.content
        assert words in answer.json()["message"]
        assert not SolveJob.objects.exists()
        assert not Usage.objects.exists()
        assert not QpuToken.objects.filter(is_inline=True).exists()

    def test_one_that_nobody_knows(self, dwave, luna, bob):
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", GROUP), 404, "No such token")

    def test_one_of_somebody_else(self, dwave, luna, alice, bobs_token):
        client = luna(alice)
        self.refused(submit(client, upload(client), "QA", PERSONAL), 404, "No such token")

    def test_none_at_all(self, dwave, luna, bob):
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA"), 422, "pass a token")

    @pytest.mark.parametrize("secret", ["", " ", "a\nb"])
    def test_an_empty_or_broken_one(self, dwave, luna, bob, secret):
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", INLINE | {"token": secret}), 422, "oken")

    def test_one_that_dwave_does_not_take(self, dwave, luna, bob):
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", INLINE | {"token": "DEV-unknown"}), 403, "does not accept")

    def test_a_plan_without_group_tokens(self, dwave, luna, bob, lab_token):
        Organization.objects.update(plan=Plan.BASIC)
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", GROUP), 403, "basic plan")

    def test_a_quota_that_does_not_suffice(self, dwave, luna, bob, quota):
        quota(1000)
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", GROUP), 403, "left of 1 µs")

        refused = RefusedJobs.objects.get()
        assert (refused.reason, refused.source, refused.left_ns) == ("group_exhausted", "solve_job", 1000)

    def test_a_quota_that_is_over(self, dwave, luna, bob, quota):
        now = timezone.now()
        quota(SECOND, start=now - timedelta(days=2), end=now - timedelta(days=1))
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", GROUP), 403, "it ended at")

    def test_a_solver_that_the_rules_do_not_allow(self, dwave, luna, bob, lab_token):
        TokenRules.objects.create(token=lab_token, solvers=["another"])
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", GROUP), 422, "cannot use that solver")
        assert RefusedJobs.objects.get().reason == "solver"

    def test_an_endpoint_that_the_operator_does_not_allow_any_more(self, dwave, luna, bob, lab_token):
        QpuToken.objects.update(endpoint="https://elsewhere.example.com/sapi/v2/")
        client = luna(bob)
        self.refused(submit(client, upload(client), "QA", GROUP), 403, "does not allow the endpoint")

    def test_an_endpoint_that_is_not_allowed_any_more_fails_what_waits(self, dwave, luna, bob, lab_token, work, line):
        job = submitted(luna(bob), "QA", GROUP)
        QpuToken.objects.update(endpoint="https://elsewhere.example.com/sapi/v2/")

        work(lambda: ended(job))

        assert "does not allow the endpoint" in SolveJob.objects.get().error_message
        assert line().status == "released"

    def test_dwave_out_of_reach_is_503(self, dwave, luna, bob, lab_token):
        dwave.fault("solvers", "status", status=500)
        client = luna(bob)
        answer = submit(client, upload(client), "QA", GROUP)

        self.refused(answer, 503, "Try again")
        assert answer.headers["Retry-After"] == "2"

    def test_a_job_that_is_larger_than_the_rules_allow_fails(self, dwave, luna, bob, lab_token, work, line):
        TokenRules.objects.create(token=lab_token, max_estimate_ns=1000)
        job = submitted(luna(bob), "QA", GROUP)

        work(lambda: ended(job))

        assert "may take at most 1 µs" in SolveJob.objects.get().error_message
        assert line().status == "released"

    @pytest.mark.parametrize("end", ["DONE", "FAILED", "CANCELED"])
    def test_an_inline_one_is_wiped_whatever_the_end(self, dwave, luna, bob, work, end):
        client = luna(bob)
        job = submitted(client, "QA", INLINE)
        assert QpuToken.objects.get().is_inline
        if end == "FAILED":
            dwave.fault("item", "fail")
        if end == "CANCELED":
            client.post(f"/solve-jobs/metadata/{job.pk}/cancel")

        work(lambda: ended(job))

        assert SolveJob.objects.get().status == end
        assert not QpuToken.objects.exists()
        everything = [*SolveJob.objects.values(), *Event.objects.values(), *Usage.objects.values()]
        assert SECRET not in json.dumps(everything, default=str)


class TestTrouble:
    def test_what_dwave_cannot_solve_fails_and_costs_nothing(self, dwave, luna, bob, lab_token, work, line):
        dwave.fault("item", "fail")
        job = submitted(luna(bob), "QA", GROUP)

        work(lambda: ended(job))

        assert SolveJob.objects.get().error_message.startswith("D-Wave could not solve the problem")
        assert line().status == "released"

    @pytest.mark.parametrize(
        ("solver", "on", "kind", "status"),
        [("QA", "item", "fail", 0), ("QA", "item", "refuse", 0), ("LBQM", "upload", "status", 400)],
    )
    def test_words_of_dwave_that_hold_the_token_do_not_tell_it(
        self, dwave, luna, bob, lab_token, work, solver, on, kind, status
    ):
        dwave.fault(on, kind, status=status, message=f"The token {SECRET} is tired.")
        job = submitted(luna(bob), solver, GROUP)

        work(lambda: ended(job))

        message = SolveJob.objects.get().error_message
        assert "The token [hidden] is tired." in message
        assert SECRET not in str(list(SolveJob.objects.values()))

    @pytest.mark.parametrize("kind", ["fail", "refuse"])
    def test_the_token_where_words_of_dwave_are_cut_does_not_show_in_part(
        self, dwave, luna, bob, lab_token, work, kind
    ):
        dwave.fault("item", kind, message="x" * 480 + SECRET)
        job = submitted(luna(bob), "QA", GROUP)

        work(lambda: ended(job))

        assert SolveJob.objects.get().error_message.endswith("x[hidden]")

    def test_what_dwave_refuses_fails_in_its_words(self, dwave, luna, bob, lab_token, work, line):
        dwave.fault("item", "refuse")
        job = submitted(luna(bob), "QA", GROUP)

        work(lambda: ended(job))

        assert "insufficient remaining solver access time" in SolveJob.objects.get().error_message
        assert line().status == "released"

    @pytest.mark.parametrize("solver", ["QA", "LBQM", "LCQM"])
    def test_an_answer_without_timing_is_delivered_and_booked_when_its_cost_is_known(
        self,
        solver,
        dwave,
        luna,
        bob,
        lab_token,
        work,
        line,
        reconciled,  # noqa: F811
    ):
        dwave.fault("any", "no_timing", times=None)
        client = luna(bob)
        job = submitted(client, solver, GROUP, small_model())

        work(lambda: ended(job))

        assert min(result.obj_value for result in solution(client, job).results) == -5
        assert (line().status, line().access_time_ns) == ("reserved", None)
        dwave.clear_faults()
        reconciled()
        assert (line().status, line().access_time_ns) == ("settled", ran(dwave))

    def test_a_problem_that_does_not_fit_the_qpu_fails(self, dwave, luna, bob, lab_token, work, line):
        from luna_model import Model

        model = Model("large")
        variables = [model.add_variable(f"v{i}") for i in range(800)]
        model.objective = sum(variables)
        job = submitted(luna(bob), "QA", GROUP, model, embedding_parameters={"timeout": 2, "tries": 1})

        work(lambda: ended(job))

        assert SolveJob.objects.get().error_message.startswith("No embedding was found: the problem has 800 variables")
        assert line().status == "released"

    def test_a_deleted_token_fails_what_waits(self, dwave, luna, alice, bob, lab_token, work, line):
        job = submitted(luna(bob), "QA", GROUP)
        delete_token(token=lab_token, by=alice)

        work(lambda: ended(job))

        assert SolveJob.objects.get().error_message == "The token of this job was deleted."
        assert line().status == "released"

    def test_hiccups_of_dwave_are_waited_out(self, dwave, luna, bob, lab_token, work, line, monkeypatch):
        monkeypatch.setattr("solving.qpu_jobs.RETRY_SECONDS", 0.05)
        dwave.fault("problem", "status", times=3)
        dwave.fault("problem", "drop", skip=3)
        job = submitted(luna(bob), "QA", GROUP)

        work(lambda: ended(job))

        assert SolveJob.objects.get().status == "DONE"
        assert line().access_time_ns == ran(dwave)

    def test_a_lost_answer_to_the_submission_is_found_by_the_reconciler(
        self,
        dwave,
        luna,
        bob,
        lab_token,
        work,
        line,
        reconciled,  # noqa: F811
        monkeypatch,
    ):
        monkeypatch.setattr("solving.qpu_jobs.RETRY_SECONDS", 0.05)
        dwave.fault("submit", "drop", when="after")
        job = submitted(luna(bob), "QA", GROUP)

        work(lambda: Problem.objects.exists() and dwave.ledger(SECRET)["problems"] == 1)
        reconciled()
        work(lambda: ended(job))

        assert SolveJob.objects.get().status == "DONE"
        assert line().access_time_ns == ran(dwave)

    def test_one_that_runs_is_cancelled_at_dwave(self, dwave, luna, bob, lab_token, work, line):
        dwave.configure(paused=True)
        client = luna(bob)
        job = submitted(client, "QA", GROUP)

        def cancelled():
            row = SolveJob.objects.get()
            if row.stage == "Waiting for D-Wave." and row.cancel_requested_at is None:
                client.post(f"/solve-jobs/metadata/{job.pk}/cancel")
            return row.is_finished

        work(cancelled)

        assert SolveJob.objects.get().status == "CANCELED"
        assert line().status == "released"
        assert [problem["status"] for problem in dwave.problems()] == ["CANCELLED"]

    def test_a_killed_worker_leaves_its_problem_to_another(self, dwave, luna, bob, lab_token, work, line, monkeypatch):
        monkeypatch.setattr(queue, "LEASE", timedelta(seconds=1))
        dwave.configure(paused=True)
        client = luna(bob)
        job = submitted(client, "QA", GROUP)
        work(lambda: SolveJob.objects.get().stage == "Waiting for D-Wave.", killed=True)
        assert SolveJob.objects.get().status == "IN_PROGRESS"
        dwave.configure(paused=False)

        work(lambda: ended(job))

        assert SolveJob.objects.get().attempts == 2
        assert min(solution(client, job).obj_values) == -5
        assert dwave.ledger(SECRET)["problems"] == 1
        assert line().access_time_ns == ran(dwave)

    def test_a_member_who_goes_takes_the_job_along_and_the_time_is_given_back(self, dwave, luna, bob, lab_token, line):
        submitted(luna(bob), "QA", GROUP)
        bob.delete()

        queue.sweep(timezone.now())

        assert line().status == "released"
