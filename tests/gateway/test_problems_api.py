"""Problems in the portal: who sees which, what of them, and how they are cancelled."""

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import Event
from gateway.models import Problem
from organizations.services import remove_member
from quotas import services as quotas
from quotas.models import Usage
from tests.conftest import SECRET, join, send_problem
from tokens.services import delete_token, replace_secret, upload_token

from .conftest import eventually

pytestmark = pytest.mark.django_db

PROBLEMS = "/api/v1/organizations/acme/problems"
EVERYBODYS = {"of": "organization"}


@pytest.fixture
def send(lab_token):
    """send(member): a problem of this member's on the token lab, or on another one."""

    def send_one(member, token=lab_token, **changes):
        return send_problem(token=token, by=member, now=timezone.now(), **changes)

    return send_one


def ids(answer):
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def url_of(problem, rest=""):
    return f"{PROBLEMS}/{problem.pk}{rest}"


class TestList:
    def test_it_has_my_problems_newest_first(self, send, alice, bob, bobs_token, api):
        first = send(bob)
        send(alice)
        second = send(bob, token=bobs_token)

        assert ids(api(bob).get(PROBLEMS)) == [second.pk, first.pk]

    def test_a_row_says_what_became_of_the_problem(self, send, lab_token, bob, api):
        problem = send(
            bob,
            upstream_id="abc",
            label="mine",
            status="COMPLETED",
            submitted_on="2026-11-22T10:00:00Z",
            solved_on="2026-11-22T10:00:01Z",
        )
        now = timezone.now()
        quotas.settle(usage=problem.usage, access_time_ns=900, now=now)

        (row,) = api(bob).get(PROBLEMS).json()["results"]

        assert row == {
            "id": problem.pk,
            "dwave_id": "abc",
            "user_email": "bob@example.com",
            "token_id": lab_token.pk,
            "token_name": "lab",
            "source": "gateway",
            "solver": "Advantage_system6.4",
            "type": "ising",
            "label": "mine",
            "status": "COMPLETED",
            "is_open": False,
            "estimate_ns": 1000,
            "access_time_ns": 900,
            "created_at": problem.usage.created_at.isoformat().replace("+00:00", "Z"),
            "submitted_on": "2026-11-22T10:00:00Z",
            "solved_on": "2026-11-22T10:00:01Z",
            "closed_at": now.isoformat().replace("+00:00", "Z"),
        }

    def test_one_that_dwave_has_not_confirmed_has_no_id_there(self, send, bob, api):
        send(bob)

        (row,) = api(bob).get(PROBLEMS).json()["results"]

        assert (row["dwave_id"], row["status"], row["is_open"]) == ("", "", True)

    def test_jobs_that_are_no_problems_are_not_listed(self, lab_token, bob, api):
        quotas.reserve(token=lab_token, by=bob, estimate_ns=1, source="solve_job", now=timezone.now())

        assert ids(api(bob).get(PROBLEMS)) == []

    def test_admins_see_everybodys_on_group_tokens(self, send, alice, bob, bobs_token, api):
        problems = [send(alice), send(bob)]
        send(bob, token=bobs_token)

        assert ids(api(alice).get(PROBLEMS, EVERYBODYS)) == [problem.pk for problem in reversed(problems)]

    def test_labels_are_their_senders_business(self, send, alice, bob, api):
        send(bob, label="my private word")
        send(alice, label="mine")

        answer = api(alice).get(PROBLEMS, EVERYBODYS)

        assert [row["label"] for row in answer.json()["results"]] == ["mine", None]
        assert b"private" not in answer.content

    def test_problems_of_other_organizations_are_out_of_reach(self, send, alice, charlie, api):
        theirs = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        send(charlie, token=theirs)

        assert ids(api(alice).get(PROBLEMS, EVERYBODYS)) == []

    def test_who_left_is_still_on_record(self, send, alice, bob, api):
        problem = send(bob)
        remove_member(membership=bob, by=alice)

        assert ids(api(alice).get(PROBLEMS, EVERYBODYS)) == [problem.pk]

    def test_pages_hold_every_problem_once(self, send, bob, api):
        problems = [send(bob).pk for _ in range(5)]
        client = api(bob)

        page = client.get(PROBLEMS, {"limit": 2}).json()
        seen = [row["id"] for row in page["results"]]
        while page["next"]:
            page = client.get(page["next"]).json()
            seen += [row["id"] for row in page["results"]]

        assert seen == problems[::-1]


class TestFilters:
    @pytest.fixture
    def problems(self, send, alice, bob):
        other = upload_token(scope="group", provider="dwave", name="other", secret=SECRET, by=alice)
        problems = {
            "alices": send(alice, status="PENDING"),
            "settled": send(bob, status="COMPLETED"),
            "released": send(bob, status="CANCELLED"),
            "elsewhere": send(bob, token=other),
        }
        quotas.settle(usage=problems["settled"].usage, access_time_ns=1, now=timezone.now())
        quotas.release(usage=problems["released"].usage, now=timezone.now())
        Usage.objects.filter(pk=problems["elsewhere"].pk).update(solver="hybrid")
        return problems

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, "elsewhere released settled alices"),
            ({"order": "id"}, "alices settled released elsewhere"),
            ({"token": "lab"}, "released settled alices"),
            ({"user": "Alice@example.com"}, "alices"),
            ({"status": "COMPLETED"}, "settled"),
            ({"status": "PENDING"}, "alices"),
            ({"open": "true"}, "elsewhere alices"),
            ({"open": "false"}, "released settled"),
            ({"open": ""}, "elsewhere released settled alices"),
            ({"solver": "hybrid"}, "elsewhere"),
            ({"solver": "hyb"}, ""),
            ({"user": "bob@example.com", "token": "lab", "open": "false", "status": "CANCELLED"}, "released"),
        ],
    )
    def test_they_narrow_the_list(self, problems, alice, api, query, found):
        answer = ids(api(alice).get(PROBLEMS, EVERYBODYS | query))

        assert answer == [problems[name].pk for name in found.split()]

    @pytest.mark.parametrize(
        "query",
        [
            {"of": "all"},
            {"status": "open"},
            {"status": "completed"},
            {"open": "x"},
            {"solver": "\0"},
            {"solver": "x" * 101},
        ],
    )
    def test_nonsense_is_refused(self, alice, api, query):
        answer = api(alice).get(PROBLEMS, query)

        assert (answer.status_code, list(answer.json()["errors"])) == (422, list(query))


class TestOne:
    def test_its_sender_sees_it_with_the_label(self, send, bob, api):
        problem = send(bob, label="mine")

        row = api(bob).get(url_of(problem)).json()

        assert (row["id"], row["label"]) == (problem.pk, "mine")

    def test_an_admin_sees_it_without_the_label(self, send, alice, bob, api):
        problem = send(bob, label="mine")

        row = api(alice).get(url_of(problem)).json()

        assert (row["id"], row["label"]) == (problem.pk, None)

    def test_nobody_else_does(self, send, alice, bob, bobs_token, charlie, api):
        alices, private = send(alice), send(bob, token=bobs_token)

        for client, problem in [(api(bob), alices), (api(alice), private), (api(charlie), alices)]:
            assert client.get(url_of(problem)).status_code == 404
            assert client.post(url_of(problem, "/cancel")).status_code == 404

    def test_that_of_another_organization_is_404_for_its_sender_too(self, send, bob, charlie, api):
        theirs = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        elsewhere = join("Globex", "bob@example.com", "member")
        problem = send(elsewhere, token=theirs)

        assert api(bob).get(url_of(problem)).status_code == 404
        assert api(elsewhere).get(url_of(problem).replace("/acme/", "/globex/")).status_code == 200

    @pytest.mark.parametrize("number", [0, 10**30])
    def test_one_that_is_not_there_is_404(self, bob, api, number):
        assert api(bob).get(f"{PROBLEMS}/{number}").status_code == 404


class TestDoors:
    def test_members_see_only_their_own(self, bob, api):
        assert api(bob).get(PROBLEMS, EVERYBODYS).status_code == 403

    def test_nobody_else_comes_in(self, send, bob):
        problem = send(bob)

        for url in (PROBLEMS, url_of(problem)):
            assert APIClient().get(url).status_code == 401
        assert APIClient().post(url_of(problem, "/cancel")).status_code == 401

    @pytest.mark.parametrize(
        ("scopes", "reads", "cancels"), [(["read"], 200, 403), (["run"], 403, 409), (["manage"], 403, 403)]
    )
    def test_a_key_needs_the_scope(self, send, bob, api, scopes, reads, cancels):
        problem = send(bob)
        client = api(bob, scopes=scopes)

        assert client.get(PROBLEMS).status_code == client.get(url_of(problem)).status_code == reads
        assert client.post(url_of(problem, "/cancel")).status_code == cancels


class TestCost:
    def test_it_takes_as_many_queries_for_many_as_for_few(self, send, alice, api, django_assert_num_queries):
        """The key, and the problems with their lines in the ledger."""
        client = api(alice)
        client.get(PROBLEMS)
        for number in range(20):
            send(alice)
            if number in {0, 19}:
                for query in ({}, EVERYBODYS):
                    with django_assert_num_queries(2):
                        client.get(PROBLEMS, query)

    def test_an_index_finds_the_rows_of_a_page_in_order(self, bob, lab_token):
        """Other people's problems are many, and cost nothing."""
        now = timezone.now()
        jobs = Usage.objects.bulk_create(
            Usage(
                organization_id=10_000 + number % 50,
                user_id=10_000 + number % 50,
                user_email="x@example.com",
                token_id=1,
                token_name="lab",
                source="gateway",
                estimate_ns=1,
                created_at=now,
            )
            for number in range(5_000)
        )
        Problem.objects.bulk_create(Problem(usage=job, type="ising", solver={}, seen_at=now) for job in jobs)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

        page = Usage.objects.of_member(bob).filter(problem__isnull=False).select_related("problem")
        plan = page.order_by("-id")[:51].explain()

        assert "usage_of_user " in plan
        assert "Seq Scan" not in plan
        assert "SCAN" not in plan


class TestCancel:
    """At an emulated D-Wave."""

    @pytest.fixture
    def waiting(self, dwave, bobs, job):
        """A problem of Bob's that has not begun."""
        dwave.configure(paused=True)
        bobs.submit_id(job())
        return Problem.objects.get()

    @pytest.fixture
    def lines(self):
        return lambda: list(Event.objects.with_action("problem_cancelled"))

    def test_one_that_waits_is_cancelled_and_costs_nothing(self, dwave, waiting, bob, assign, api, statuses, lines):
        answer = api(bob).post(url_of(waiting, "/cancel"))

        assert (answer.status_code, answer.json()) == (
            200,
            {"outcome": "cancelled", "message": "The problem is cancelled. It costs nothing."},
        )
        assert [problem["status"] for problem in dwave.problems()] == ["CANCELLED"]
        assert statuses() == ["released"]
        assert api(bob).get(url_of(waiting)).json()["status"] == "CANCELLED"
        assert lines() == []

    def test_an_admin_cancels_everybodys_and_that_is_written_down(self, dwave, waiting, alice, api, statuses, lines):
        assert api(alice).post(url_of(waiting, "/cancel")).json()["outcome"] == "cancelled"

        assert statuses() == ["released"]
        (line,) = lines()
        assert (line.actor, line.target) == ("alice@example.com", waiting.upstream_id)
        assert line.organization_id == alice.organization_id
        assert line.details == {"user": "bob@example.com", "outcome": "cancelled"}

    def test_another_member_does_not(self, dwave, waiting, api):
        eve = join("Acme", "eve@example.com", "member")

        assert api(eve).post(url_of(waiting, "/cancel")).status_code == 404
        assert [problem["status"] for problem in dwave.problems()] == ["PENDING"]

    def test_one_that_runs_may_still_end(self, dwave, bobs, job, alice, bob, api, statuses, lines):
        dwave.configure(run_delay=60)
        bobs.submit(job())
        eventually(lambda: [problem["status"] for problem in dwave.problems()] == ["IN_PROGRESS"])

        answer = api(alice).post(url_of(Problem.objects.get(), "/cancel"))

        assert answer.json()["outcome"] == "running"
        assert statuses() == ["reserved"]
        assert lines()[0].details["outcome"] == "running"

    def test_one_that_has_ended_is_not_asked_for(self, dwave, bobs, job, bob, alice, api, booked, lines):
        bobs.run(job())
        cost_ns = booked()
        dwave.fault("cancel", "status", times=None)

        answer = api(alice).post(url_of(Problem.objects.get(), "/cancel"))

        assert (answer.status_code, answer.json()["outcome"]) == (200, "ended")
        assert booked() == cost_ns
        assert lines() == []

    def test_one_that_has_ended_unseen_stays_to_be_settled(self, dwave, bobs, job, bob, api, reconciled, booked, ran):
        bobs.submit(job())
        eventually(lambda: [problem["status"] for problem in dwave.problems()] == ["COMPLETED"])

        assert api(bob).post(url_of(Problem.objects.get(), "/cancel")).json()["outcome"] == "ended"

        reconciled()
        assert booked() == ran() > 0

    def test_one_that_is_not_confirmed_is_409_with_what_to_do(self, send, bob, api):
        answer = api(bob).post(url_of(send(bob), "/cancel"))

        assert answer.status_code == 409
        assert "not confirmed" in answer.json()["message"]
        assert "Try again in a few minutes" in answer.json()["message"]

    @pytest.mark.parametrize("kind", ["status", "html", "drop", "not_json", "wrong_ids"])
    def test_trouble_at_dwave_is_a_503_and_changes_nothing(self, dwave, waiting, bob, api, statuses, kind):
        dwave.fault("cancel", kind, times=2)

        answer = api(bob).post(url_of(waiting, "/cancel"))

        assert answer.status_code == 503
        assert answer.json()["message"].startswith("D-Wave did not answer as it should.")
        assert statuses() == ["reserved"]

    def test_a_dwave_that_cannot_be_reached_is_a_503(self, send, bob, api):
        problem = send(bob, upstream_id="abc", endpoint="http://127.0.0.1:9/sapi/v2")

        assert api(bob).post(url_of(problem, "/cancel")).status_code == 503

    def test_a_dwave_that_hangs_is_a_503_before_the_browser_gives_up(self, dwave, waiting, bob, api, monkeypatch):
        monkeypatch.setattr("gateway.cancel.SECONDS", 0.1)
        dwave.fault("cancel", "hang", seconds=1)

        assert api(bob).post(url_of(waiting, "/cancel")).status_code == 503

    def test_a_page_that_claims_success_releases_nothing(self, dwave, waiting, bob, api, statuses):
        dwave.fault("cancel", "html", status=200)

        assert api(bob).post(url_of(waiting, "/cancel")).status_code == 503
        assert statuses() == ["reserved"]

    def test_one_that_dwave_has_forgotten_is_409(self, dwave, waiting, bob, api, statuses):
        dwave.reset()

        answer = api(bob).post(url_of(waiting, "/cancel"))

        assert (answer.status_code, answer.json()["message"]) == (409, "D-Wave does not know this problem any more.")
        assert statuses() == ["reserved"]

    def test_a_token_that_dwave_does_not_take_is_409(self, dwave, waiting, bob, api):
        dwave.revoke_tokens(SECRET)
        answer = api(bob).post(url_of(waiting, "/cancel"))
        dwave.add_tokens(SECRET)

        assert answer.status_code == 409
        assert "does not accept the token" in answer.json()["message"]

    def test_one_whose_token_is_deleted_is_409(self, dwave, waiting, lab_token, alice, bob, api):
        delete_token(token=lab_token, by=alice)

        answer = api(bob).post(url_of(waiting, "/cancel"))

        assert answer.status_code == 409
        assert "deleted" in answer.json()["message"]

    def test_one_that_went_out_with_a_former_secret_is_cancelled_with_that(
        self, dwave, waiting, lab_token, alice, bob, api, statuses
    ):
        dwave.add_tokens("DEV-the-secret-that-follows")
        replace_secret(token=lab_token, secret="DEV-the-secret-that-follows", by=alice, now=timezone.now())

        assert api(bob).post(url_of(waiting, "/cancel")).json()["outcome"] == "cancelled"
        assert statuses() == ["released"]

    def test_a_personal_one_is_its_owners_to_cancel(self, dwave, sapi, job, alice, bob, bobs_token, api, statuses):
        dwave.configure(paused=True)
        sapi(bob, name="mine", word="private").submit_id(job())
        url = url_of(Problem.objects.get(), "/cancel")

        assert api(alice).post(url).status_code == 404
        assert api(bob).post(url).json()["outcome"] == "cancelled"
        assert statuses() == ["released"]

    def test_nothing_of_the_token_is_answered(self, dwave, waiting, bob, api):
        answer = api(bob).post(url_of(waiting, "/cancel"))

        assert SECRET.encode() not in answer.content
