"""The rules of a token, as programs meet them: solvers that are left out, ceilings, and problems that are too many."""

from functools import partial

import dwave.cloud
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from dwave.cloud.exceptions import SolverFailureError, SolverNotFoundError

from gateway import services
from gateway.jobs import Job
from gateway.models import Problem
from gateway.rules import Refused, change_rules, rules_of
from gateway.services import Door
from organizations.permissions import Role
from quotas.models import RefusedJobs, Usage
from tests.conftest import join
from tests.quotas.crowd import at_once
from tokens.models import QpuToken

NO_SOLVER = "Solver does not exist or apitoken does not have access"


@pytest.fixture
def rules(alice, lab_token):
    """rules(solvers=[...]): changes the rules of the token lab."""
    return partial(change_rules, token=lab_token, by=alice)


def names(answer):
    assert answer.status_code == 200, answer.text
    return [solver["identity"]["name"] for solver in answer.json()]


class TestSolvers:
    def test_only_allowed_ones_are_listed(self, rules, bobs, hybrid):
        rules(solvers=[hybrid.name, "one_that_is_gone"])

        assert names(bobs.get("solvers/remote/")) == [hybrid.name]

    def test_the_list_is_empty_if_none_of_them_is_there(self, rules, bobs):
        rules(solvers=["one_that_is_gone"])

        assert names(bobs.get("solvers/remote/")) == []

    @pytest.mark.parametrize("query", ["none,+identity,+status,+avg_load", "all,-status,-avg_load", "all,-properties"])
    def test_filters_of_fields_work_as_at_dwave(self, rules, bobs, hybrid, query):
        (everything,) = (
            solver
            for solver in bobs.get("solvers/remote/", filter=query).json()
            if solver["identity"]["name"] == hybrid.name
        )
        rules(solvers=[hybrid.name])

        assert bobs.get("solvers/remote/", filter=query).json() == [everything]

    @pytest.mark.parametrize("query", ["none,+status", "all,-identity", "all,-identity.name"])
    def test_a_filter_that_hides_which_solver_is_meant_is_refused(self, rules, bobs, hybrid, query):
        rules(solvers=[hybrid.name])

        answer = bobs.get("solvers/remote/", filter=query)

        assert (answer.status_code, "identity" in answer.json()["error_msg"]) == (400, True)

    def test_a_filter_that_dwave_refuses_is_refused(self, dwave, rules, bobs, hybrid):
        rules(solvers=[hybrid.name])
        dwave.fault("solvers", "status", status=400)

        assert bobs.get("solvers/remote/", filter="nonsense").status_code == 400

    @pytest.mark.parametrize("kind", ["html", "not_json", "drop"])
    def test_trouble_is_a_503(self, dwave, rules, bobs, hybrid, kind, monkeypatch):
        monkeypatch.setattr("gateway.calls.RETRY_SECONDS", 0.05)
        rules(solvers=[hybrid.name])
        dwave.fault("solvers", kind, times=2)

        answer = bobs.get("solvers/remote/")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")

    def test_one_that_is_not_allowed_is_not_there(self, rules, bobs, qpu, hybrid):
        rules(solvers=[hybrid.name])

        answer = bobs.get(f"solvers/remote/{qpu.name}")

        assert (answer.status_code, answer.json()["error_msg"]) == (404, NO_SOLVER)
        assert bobs.get(f"solvers/remote/{hybrid.name}").status_code == 200

    def test_its_problems_are_refused_and_cost_nothing(self, dwave, rules, bobs, job, hybrid):
        rules(solvers=[hybrid.name])

        (item,) = bobs.submit(job())

        assert item == {"error_code": 404, "error_msg": NO_SOLVER}
        assert not Usage.objects.exists()
        assert dwave.problems() == []
        assert RefusedJobs.objects.get().reason == "solver"

    def test_an_empty_list_allows_all_again(self, rules, bobs, job, qpu, solvers):
        rules(solvers=["another"])
        rules(solvers=[])

        assert names(bobs.get("solvers/remote/")) == list(solvers)
        assert bobs.run(job())["status"] == "COMPLETED"

    def test_ocean_finds_only_what_is_allowed(self, rules, bobs, qpu, hybrid, monkeypatch, tmp_path):
        monkeypatch.setenv("DWAVE_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("DWAVE_CACHE_HOME", str(tmp_path))
        rules(solvers=[qpu.name])

        with dwave.cloud.Client(endpoint=bobs.endpoint, token=bobs.key) as client:
            assert [solver.name for solver in client.get_solvers()] == [qpu.name]
            with pytest.raises(SolverNotFoundError):
                client.get_solver(name=hybrid.name)


class TestETags:
    @pytest.fixture
    def ask(self, bobs):
        def ask_again(etag):
            return bobs.request("GET", "solvers/remote/", headers={"If-None-Match": etag})

        return ask_again

    @pytest.fixture
    def etag(self, rules, bobs, hybrid):
        rules(solvers=[hybrid.name])
        return bobs.get("solvers/remote/", filter="all,-avg_load").headers["ETag"]

    def test_what_has_not_changed_is_not_sent_again(self, rules, bobs, ask, hybrid):
        rules(solvers=[hybrid.name])
        etag = bobs.get("solvers/remote/").headers["ETag"]
        assert not etag.startswith("W/")

        for known in (etag, f"W/{etag}", f'"other", {etag}'):
            answer = ask(known)
            assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
            assert answer.headers["Cache-Control"] == "private, max-age=10"

    def test_dwaves_own_is_none_of_ours(self, rules, bobs, ask, hybrid):
        everything = bobs.get("solvers/remote/").headers["ETag"]
        rules(solvers=[hybrid.name])

        assert names(ask(everything)) == [hybrid.name]

    def test_a_change_of_rules_is_seen(self, rules, bobs, ask, qpu, hybrid, solvers):
        rules(solvers=[hybrid.name])
        etag = bobs.get("solvers/remote/").headers["ETag"]

        rules(solvers=[qpu.name])
        assert names(ask(etag)) == [qpu.name]

        rules(solvers=[])
        assert names(ask(etag)) == list(solvers)

    def test_a_change_at_dwave_is_seen(self, dwave, rules, bobs, ask, hybrid):
        rules(solvers=[hybrid.name])
        etag = bobs.get("solvers/remote/").headers["ETag"]
        dwave.configure(offline=[hybrid.name])

        (solver,) = ask(etag).json()

        assert solver["status"] == "OFFLINE"


class TestLargestJob:
    def test_a_larger_one_is_refused_in_plain_words_and_the_others_run(self, dwave, rules, bobs, job):
        rules(max_estimate_ns=20_000_000)

        small, large = bobs.submit(job(num_reads=1), job(num_reads=1000))

        assert "id" in small
        assert large["error_code"] == 403
        assert large["error_msg"].startswith("Problem not accepted because it needs about ")
        assert large["error_msg"].endswith(" ms, and one job on lab may take at most 20 ms.")
        assert len(dwave.problems()) == Usage.objects.count() == 1
        assert RefusedJobs.objects.get().reason == "too_large"

    def test_one_of_just_the_size_runs(self, rules, bobs, job):
        bobs.submit(job())
        estimate_ns = Usage.objects.get().estimate_ns

        rules(max_estimate_ns=estimate_ns)
        assert "id" in bobs.submit(job())[0]

        rules(max_estimate_ns=estimate_ns - 1)
        assert "error_code" in bobs.submit(job())[0]

    def test_none_is_no_limit(self, rules, bobs, job):
        rules(max_estimate_ns=1)
        rules(max_estimate_ns=None)

        assert "id" in bobs.submit(job())[0]

    def test_ocean_shows_the_words(self, rules, bobs, qpu, monkeypatch, tmp_path):
        monkeypatch.setenv("DWAVE_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("DWAVE_CACHE_HOME", str(tmp_path))
        rules(max_estimate_ns=1)

        with (
            dwave.cloud.Client(endpoint=bobs.endpoint, token=bobs.key) as client,
            pytest.raises(SolverFailureError, match="one job on lab may take at most 1 ns"),
        ):
            client.get_solver(name=qpu.name).sample_ising({int(qpu.graph.qubits[0]): 1.0}, {}).result()


class TestOpenProblems:
    def test_each_problem_of_a_batch_counts(self, dwave, rules, bobs, job):
        dwave.configure(paused=True)
        rules(max_open_problems=2)

        items = bobs.submit(job(), job(), job())

        assert ["id" in item for item in items] == [True, True, False]
        assert items[2] == {
            "error_code": 403,
            "error_msg": "Problem not accepted because 2 of your problems on lab are open, and at most 2 may be open "
            "at once. Try again when one has ended.",
        }
        assert len(dwave.problems()) == 2
        assert RefusedJobs.objects.get().reason == "too_many_open"

    def test_one_that_has_ended_makes_room(self, rules, bobs, job):
        rules(max_open_problems=1)

        for _ in range(2):
            assert bobs.run(job())["status"] == "COMPLETED"

    def test_a_cancelled_one_makes_room(self, dwave, rules, bobs, job):
        dwave.configure(paused=True)
        rules(max_open_problems=1)

        bobs.delete(f"problems/{bobs.submit_id(job())}")

        assert "id" in bobs.submit(job())[0]

    def test_everybody_has_a_limit_of_their_own(self, dwave, rules, bobs, alices, job):
        dwave.configure(paused=True)
        rules(max_open_problems=1)

        for program in (bobs, alices):
            assert ["id" in item for item in program.submit(job(), job())] == [True, False]

    def test_problems_on_other_tokens_do_not_count(self, dwave, rules, sapi, bobs, bob, bobs_token, job):
        dwave.configure(paused=True)
        rules(max_open_problems=1)
        sapi(bob, name="mine", word="private").submit(job(), job())

        assert "id" in bobs.submit(job())[0]

    def test_one_below_the_limit_may_still_meet_a_quota(self, rules, assign, bobs, job):
        rules(max_open_problems=5, max_estimate_ns=10**12)
        assign(None, 1)

        (item,) = bobs.submit(job())

        assert "insufficient remaining solver access time" in item["error_msg"]


class TestManyAtOnce:
    """Without servers: the database alone has to keep count."""

    @pytest.fixture
    def book(self, transactional_db, lab_token, job):
        def book_for(member):
            token = QpuToken.objects.defer(None).select_related("rules").get(pk=lab_token.pk)
            door = Door(member, token, token.secret, "https://example.com/sapi/v2")
            return services.book(door, Job.parse(job()), 10, 1.0, timezone.now())

        return book_for

    def test_the_limit_of_open_problems_holds_exactly(self, rules, book, assign, alice, bob):
        rules(max_open_problems=7)
        assign(None, 10**9)
        assign(bob, 10**9)

        results = at_once([partial(book, member) for member in (alice, bob)] * 20)

        assert {type(result) for result in results} == {Problem, Refused}
        for member in (alice, bob):
            assert Usage.objects.open().filter(user_id=member.user_id).count() == 7

    def test_it_holds_for_a_personal_token_in_all_of_its_owners_organizations(self, book, bob, bobs_token, job):
        change_rules(token=bobs_token, by=bob, max_open_problems=5)
        elsewhere = join("Globex", "bob@example.com", Role.MEMBER)

        def book_for(member):
            token = QpuToken.objects.defer(None).get(pk=bobs_token.pk)
            door = Door(member, token, token.secret, "https://example.com/sapi/v2")
            return services.book(door, Job.parse(job()), 10, 1.0, timezone.now())

        at_once([partial(book_for, member) for member in (bob, elsewhere)] * 10)

        assert Usage.objects.open().count() == 5

    def test_an_index_counts_them(self, bob, transactional_db):
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE quotas_usage")
        Usage.objects.bulk_create(
            Usage(
                organization_id=1,
                user_id=1000 + number % 100,
                user_email="x@example.com",
                token_id=number % 7,
                token_name="lab",
                source="gateway",
                estimate_ns=1,
                created_at=timezone.now(),
            )
            for number in range(5000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE quotas_usage")

        assert "usage_open_of_user" in Usage.objects.open().filter(user_id=1005, token_id=3).explain()


class TestCost:
    def test_a_token_without_rules_costs_no_query_more(self, rules, bob, lab_token, job):
        """The rules come with the token; the user is locked and their problems counted only where there is a limit."""

        def queries_to_book():
            token = QpuToken.objects.defer(None).select_related("rules").get(pk=lab_token.pk)
            door = Door(bob, token, token.secret, "https://example.com/sapi/v2")
            with CaptureQueriesContext(connection) as captured:
                assert isinstance(services.book(door, Job.parse(job()), 10, 1.0, timezone.now()), Problem)
            return [query["sql"] for query in captured]

        without = queries_to_book()
        rules(solvers=[job()["solver"]["name"]], max_estimate_ns=10)
        assert len(queries_to_book()) == len(without)
        assert not any("gateway_tokenrules" in sql or "accounts_user" in sql for sql in without)

        rules(max_open_problems=10)
        assert len(queries_to_book()) == len(without) + 4  # the lock, the count, and the transaction around all


@pytest.mark.django_db
def test_without_rules_everything_is_allowed(lab_token):
    rules = rules_of(lab_token)

    assert rules.allows("anything")
    assert (rules.max_estimate_ns, rules.max_open_problems) == (None, None)
