"""Jobs on D-Wave's hybrid solvers: what they become there, what is reserved, and what is booked."""

from datetime import timedelta

import pytest
from luna_model import Model, Sense, Unbounded, Vtype

from gateway.models import Problem, TokenRules
from quotas.models import TimeQuotaPolicy, Usage
from solving.hybrid import SMALLEST, Size, shortest, time_limit
from solving.models import SolveJob
from tests.conftest import SECRET

from .conftest import GROUP, INLINE, PERSONAL, ended, knapsack, solution, submit, submitted, upload
from .test_qpu_jobs import quota, ran  # noqa: F401  a fixture

SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("solving.worker.RENEW_SECONDS", 0.05)
    monkeypatch.setattr("solving.preparation.RETRY_SECONDS", 0.05)


def everything(sense=Sense.MIN):
    """Of all kinds of variables, with a product in a constraint; at its best 4, or -4."""
    model = Model("everything", sense=sense)
    bit, spin = model.add_variable("bit"), model.add_variable("spin", vtype=Vtype.SPIN)
    number = model.add_variable("number", vtype=Vtype.INTEGER, lower=-2, upper=9)
    free = model.add_variable("free", vtype=Vtype.INTEGER, lower=Unbounded, upper=Unbounded)
    share = model.add_variable("share", vtype=Vtype.REAL, lower=0, upper=1)
    model.add_variable("idle", vtype=Vtype.SPIN)
    worth = bit + spin + number + 0 * share
    model.objective = worth if sense == Sense.MAX else -1 * worth
    model.constraints += number * bit <= 2
    model.constraints += free - number == 0
    model.constraints += number + share <= 2.5
    return model


def best(client, job, model):
    """The best value of what the job found feasible, as the SDK sees it."""
    values = [result.obj_value for result in model.evaluate(solution(client, job)).results if result.feasible]
    return (max if model.sense == Sense.MAX else min)(values)


class TestSolving:
    @pytest.mark.parametrize("solver", ["LBQM", "LCQM"])
    @pytest.mark.parametrize("token", [GROUP, PERSONAL, INLINE])
    def test_on_a_token_of_each_kind(self, dwave, luna, bob, lab_token, bobs_token, work, line, solver, token):
        client = luna(bob)
        job = submitted(client, solver, token, knapsack(), time_limit=2)

        work(lambda: ended(job))

        assert best(client, job, knapsack()) == 13
        assert (line().status, line().source) == ("settled", "solve_job")
        assert line().access_time_ns == ran(dwave) == 2 * SECOND // 20
        assert solution(client, job).runtime.total >= 2
        assert SolveJob.objects.get().runtime_ns >= 2 * SECOND

    @pytest.mark.parametrize("sense", [Sense.MIN, Sense.MAX])
    def test_all_that_a_constrained_model_may_have(self, dwave, luna, bob, lab_token, work, sense):
        client, model = luna(bob), everything(sense)
        job = submitted(client, "LCQM", GROUP, model)

        work(lambda: ended(job))

        assert best(client, job, model) == (4 if sense == Sense.MAX else -4)
        assert SolveJob.objects.get().summary["best"] == best(client, job, model)

    def test_what_the_sdk_sends_along_does_no_harm(self, dwave, luna, bob, lab_token, work, line):
        name = "hybrid_constrained_quadratic_model_emulator1"
        client, model = luna(bob), everything()
        job = submitted(
            client,
            "LCQM",
            GROUP,
            model,
            time_limit=None,
            spin_variables=["bit", "spin"],
            embedding_parameters={"tries": 5},
            qpu_backend=name,
        )

        work(lambda: ended(job))

        assert best(client, job, model) == -4
        assert line().solver == name

    def test_a_model_in_several_parts(self, dwave, luna, bob, lab_token, work, monkeypatch):
        monkeypatch.setattr("gateway.uploads.PART_BYTES", 1000)
        client = luna(bob)
        model = Model("wide")
        model.objective = -1 * sum(model.add_variable(f"variable{number}") for number in range(300))
        job = submitted(client, "LBQM", GROUP, model)

        work(lambda: ended(job))

        assert best(client, job, model) == -300

    @pytest.mark.parametrize(
        ("solver", "parameters", "words"),
        [
            ("LCQM", {"spin_variables": ["number"]}, "spin_variables names what is no binary or spin variable"),
            ("LCQM", {"spin_variables": ["nobody"]}, "spin_variables names what is no binary or spin variable"),
            ("LBQM", {}, "This model cannot be solved"),
        ],
    )
    def test_what_cannot_be_solved_fails_and_costs_nothing(
        self, dwave, luna, bob, lab_token, work, line, solver, parameters, words
    ):
        job = submitted(luna(bob), solver, GROUP, everything(), **parameters)

        work(lambda: ended(job))

        assert words in SolveJob.objects.get().error_message
        assert line().status == "released"
        assert dwave.problems() == []

    def test_an_sdk_that_cannot_read_a_timing_gets_none(self, dwave, luna, bob, lab_token, work):
        client = luna(bob)
        client.defaults["HTTP_USER_AGENT"] = "LunaSDK/1.1.0"
        jobs = [submitted(client, solver, GROUP) for solver in ("QA", "LBQM")]

        work(lambda: ended(*jobs))

        assert [solution(client, job).runtime for job in jobs] == [None, None]


class TestTime:
    def test_without_a_time_limit_the_least_is_taken(self, dwave, luna, bob, quota, work, line):  # noqa: F811
        quota(SECOND)
        job = submitted(luna(bob), "LBQM", GROUP)
        assert TimeQuotaPolicy.objects.get().reserved_ns == SECOND // 20 * 105 // 100

        work(lambda: ended(job))

        assert line().access_time_ns == ran(dwave)
        assert SECOND // 20 <= line().access_time_ns < line().estimate_ns < SECOND // 18
        assert TimeQuotaPolicy.objects.get().reserved_ns == 0

    @pytest.mark.parametrize("room", [True, False])
    def test_a_model_that_needs_more_gets_it_if_the_quota_suffices(
        self,
        dwave,
        luna,
        bob,
        quota,  # noqa: F811
        work,
        line,
        room,
    ):
        quota(SECOND // 10 if room else SECOND // 15)
        model = Model("large")
        model.objective = sum(model.add_variable(f"v{number}") for number in range(800))
        job = submitted(luna(bob), "LBQM", GROUP, model)
        at_first = line().estimate_ns

        work(lambda: ended(job))

        assert line().status == ("settled" if room else "released")
        if room:
            assert line().access_time_ns == ran(dwave) > 1.5 * at_first
        else:
            assert SolveJob.objects.get().error_message.startswith("The job does not fit. Refused by the group")
            assert dwave.problems() == []

    def test_a_time_limit_that_is_too_short_for_the_model_fails_and_says_so(
        self, dwave, luna, bob, lab_token, work, line
    ):
        model = Model("large")
        model.objective = sum(model.add_variable(f"v{number}") for number in range(1024))
        job = submitted(luna(bob), "LBQM", GROUP, model, time_limit=1.5)

        work(lambda: ended(job))

        message = SolveJob.objects.get().error_message
        assert message == "For this model time_limit must be 2 to 3600 seconds."
        assert line().status == "released"

    @pytest.mark.parametrize("seconds", [0.5, 4000])
    def test_one_that_no_model_can_have_is_refused_at_once(self, dwave, luna, bob, lab_token, seconds):
        client = luna(bob)

        answer = submit(client, upload(client), "LCQM", GROUP, time_limit=seconds)

        assert answer.status_code == 422
        assert "time_limit must be 1 to 3600 seconds" in answer.json()["message"]
        assert not Usage.objects.exists()

    @pytest.mark.parametrize(
        ("variables", "least"), [(1, 3.0), (1024, 3.0), (2560, 6.5), (4096, 10.0), (10_000_000, 10.0)]
    )
    def test_the_least_grows_with_the_variables(self, variables, least):
        properties = {"minimum_time_limit": [[1, 3.0], [1024, 3.0], [4096, 10.0]]}

        assert shortest(properties, Size(variables, 0, 0)) == least

    def test_the_least_grows_with_constraints_and_biases(self):
        properties = {
            "minimum_time_limit_s": 5,
            "num_variables_multiplier": 0.001,
            "num_biases_multiplier": 0.0001,
            "num_constraints_multiplier": 0.00001,
        }

        assert shortest(properties, SMALLEST) == 5
        assert shortest(properties, Size(10_000, 100, 20_000)) == pytest.approx(10 + 2 + 10)

    def test_the_least_that_is_told_is_enough(self):
        properties = {"minimum_time_limit": [[1, 1.0], [1024, 2.0]], "maximum_time_limit_hrs": 1}

        with pytest.raises(Exception, match=r"must be 1\.01 to 3600 seconds"):
            time_limit(properties, 1.0, Size(8, 0, 0))

        assert time_limit(properties, 1.01, Size(8, 0, 0)) == 1.01

    def test_a_solver_that_does_not_tell_is_not_used(self):
        with pytest.raises(Exception, match="does not tell"):
            time_limit({"minimum_time_limit_s": "?"}, None, SMALLEST)


class TestChoice:
    def test_a_qpu_is_no_hybrid_solver(self, dwave, luna, bob, lab_token):
        client = luna(bob)

        answer = submit(client, upload(client), "LBQM", GROUP, qpu_backend="Advantage_emulator1.1")

        assert answer.status_code == 422
        assert "can use hybrid_binary_quadratic_model_emulator1, or default" in answer.json()["message"]

    def test_the_rules_of_the_token_hold(self, dwave, luna, bob, lab_token, work, line):
        TokenRules.objects.create(token=lab_token, max_estimate_ns=SECOND // 10)
        job = submitted(luna(bob), "LCQM", GROUP, time_limit=3)

        work(lambda: ended(job))

        assert "may take at most 100 ms" in SolveJob.objects.get().error_message
        assert line().status == "released"


class TestTrouble:
    def test_uploads_are_repeated_when_dwave_cannot_be_reached(self, dwave, luna, bob, lab_token, work):
        dwave.fault("upload", "status", skip=1)
        dwave.fault("upload", "drop", skip=4)
        job = submitted(luna(bob), "LBQM", GROUP)

        work(lambda: ended(job))

        assert SolveJob.objects.get().status == "DONE"

    def test_what_dwave_does_not_take_fails_in_its_words(self, dwave, luna, bob, lab_token, work, line):
        dwave.fault("upload", "status", status=400, message="Too many variables.")
        job = submitted(luna(bob), "LCQM", GROUP)

        work(lambda: ended(job))

        assert SolveJob.objects.get().error_message == "Too many variables."
        assert line().status == "released"

    def test_a_killed_worker_leaves_its_problem_to_another(self, dwave, luna, bob, lab_token, work, line, monkeypatch):
        monkeypatch.setattr("solving.queue.LEASE", timedelta(seconds=1))
        dwave.configure(paused=True)
        client = luna(bob)
        job = submitted(client, "LCQM", GROUP)
        work(lambda: SolveJob.objects.get().stage == "Waiting for D-Wave.", killed=True)
        dwave.configure(paused=False)

        work(lambda: ended(job))

        assert min(solution(client, job).obj_values) == -5
        assert dwave.ledger(SECRET)["problems"] == Problem.objects.count() == 1
        assert line().access_time_ns == ran(dwave)
