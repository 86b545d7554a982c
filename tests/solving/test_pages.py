"""Pages of solve jobs: what members see of theirs, what admins see of everybody's, and what can be done with one."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from organizations.permissions import Role
from quotas import services as quotas
from solving.models import SolveJob, UploadedModel
from solving.templatetags.solving import STAGES
from solving.timeline import Step, steps_of
from tests.conftest import join, solved_job

pytestmark = pytest.mark.django_db

MINE, EVERYBODYS = "/o/acme/jobs/solve", "/o/acme/jobs/solve/everybody"
QPU = "Advantage2_system1.6"
RUNNING = {"status": "IN_PROGRESS", "result": None, "ended_at": None}
WAITING = RUNNING | {"status": "REQUESTED", "started_at": None}
FAILED = {"status": "FAILED", "result": None}


@pytest.fixture
def paid_job(lab_token):
    """paid_job(member): a job on a QPU, paid with the token lab, or with another one."""

    def make(member, token=lab_token, **changes):
        usage = quotas.reserve(
            token=token, by=member, estimate_ns=40_000_000, source="solve_job", solver=QPU, now=timezone.now()
        )
        return solved_job(member, solver="QA", usage=usage, qpu=QPU, **changes)

    return make


def settle(job, cost_ns=15_148_020):
    quotas.settle(usage=job.usage, access_time_ns=cost_ns, now=timezone.now())


def shown(client, url=MINE):
    answer = client.get(url)
    assert answer.status_code == 200
    return [job.pk for job in answer.context["page"].rows]


def text_of(client, url=MINE):
    return " ".join(client.get(url, follow=True).content.decode().split())


class TestList:
    def test_mine_are_all_mine_newest_first(self, paid_job, alice, bob, bobs_token, browser):
        jobs = [solved_job(bob), paid_job(bob), paid_job(bob, bobs_token), solved_job(bob, **WAITING)]
        solved_job(alice)
        solved_job(join("Second Lab", "bob@example.com", Role.MEMBER))

        assert shown(browser(bob)) == [job.pk for job in reversed(jobs)]

    def test_it_says_what_was_found_and_what_it_cost(self, paid_job, bob, browser):
        settle(paid_job(bob, summary={"best": -13.5, "feasible": 90, "samples": 100}))
        solved_job(bob, summary={"best": None, "feasible": 0, "samples": 7})

        page = text_of(browser(bob))

        assert ">-13.5</data>" in page
        assert "90 of 100 samples are feasible" in page
        assert 'title="15,148,020 ns">15.1 ms<' in page
        assert "nothing feasible" in page
        assert "free" in page

    @pytest.mark.parametrize(
        ("changes", "badge"),
        [
            (WAITING, "waiting"),
            (RUNNING, "running"),
            (RUNNING | {"cancel_requested_at": datetime(2026, 1, 1, tzinfo=UTC)}, "being cancelled"),
            ({}, "done"),
            (FAILED, "failed"),
            (FAILED | {"status": "CANCELED"}, "cancelled"),
        ],
    )
    def test_it_says_what_became_of_a_job(self, bob, browser, changes, badge):
        solved_job(bob, **changes)

        assert f">{badge}</span>" in text_of(browser(bob))

    def test_filters_narrow_it(self, paid_job, bob, browser):
        done, failed, running = paid_job(bob), solved_job(bob, **FAILED), solved_job(bob, **RUNNING)
        client = browser(bob)

        assert shown(client, f"{MINE}?state=open") == [running.pk]
        assert shown(client, f"{MINE}?state=FAILED") == [failed.pk]
        assert shown(client, f"{MINE}?solver=QA") == [done.pk]
        assert shown(client, f"{MINE}?state=nonsense&member=x") == [running.pk, failed.pk, done.pk]
        assert "No job fits." in text_of(client, f"{MINE}?state=CANCELED")

    def test_it_looks_again_only_while_a_job_is_open(self, bob, browser):
        job = solved_job(bob, **RUNNING)
        assert 'hx-trigger="every 5s"' in text_of(browser(bob))

        job.delete()

        assert "hx-trigger" not in text_of(browser(bob))

    def test_it_comes_in_pages_without_what_is_large(self, paid_job, bob, browser):
        client = browser(bob)
        for _ in range(51):
            solved_job(bob)

        page = client.get(MINE).context["page"]

        assert len(page.rows) == 50
        assert len(shown(client, page.next)) == 1
        assert {"result", "parameters", "chains"} <= page.rows[0].get_deferred_fields()
        assert "data" in page.rows[0].model.get_deferred_fields()

    def test_it_teaches_who_has_none(self, bob, browser):
        page = text_of(browser(bob))

        assert "No solve jobs yet." in page
        assert "SimulatedAnnealing(num_reads=100).run(model, client=luna)" in page


class TestWhatAdminsSee:
    SECRETS = {"name": "secret name", "error_message": "secret error", "summary": {"best": -7777, "samples": 5}}

    def test_everybodys_are_those_that_take_what_is_shared(self, paid_job, alice, bob, bobs_token, charlie, browser):
        jobs = [solved_job(alice), paid_job(bob), solved_job(bob)]
        paid_job(bob, bobs_token)
        solved_job(charlie)

        assert shown(browser(alice), EVERYBODYS) == [job.pk for job in reversed(jobs)]

    def test_a_job_on_a_personal_token_stays_private_when_the_token_is_gone(
        self, paid_job, alice, bob, bobs_token, browser
    ):
        job = paid_job(bob, bobs_token)
        settle(job)
        bobs_token.delete()
        job.usage.delete()

        assert shown(browser(alice), EVERYBODYS) == []

    def test_it_says_who_what_for_how_long_and_for_how_much(self, paid_job, alice, bob, browser):
        now = timezone.now()
        settle(paid_job(bob, started_at=now, ended_at=now + timedelta(seconds=3)))
        UploadedModel.objects.update(facts={"name": "secret model", "num_variables": 120})

        page = text_of(browser(alice), EVERYBODYS)

        for words in ("bob@example.com", "Quantum Annealing", "lab", "120 variables", ">3 s</data>", ">15.1 ms<"):
            assert words in page

    def test_they_see_nothing_of_contents(self, paid_job, alice, bob, browser):
        paid_job(bob, **self.SECRETS)
        solved_job(bob, **FAILED | self.SECRETS)
        UploadedModel.objects.update(facts={"name": "secret model", "num_variables": 120})

        answer = browser(alice).get(EVERYBODYS)

        assert "secret" not in answer.content.decode()
        assert "7777" not in answer.content.decode().replace(",", "")
        assert {"name", "error_message", "summary"} <= answer.context["page"].rows[0].get_deferred_fields()

    def test_they_find_the_jobs_of_one_member(self, alice, bob, browser):
        job = solved_job(bob)
        solved_job(alice)

        assert shown(browser(alice), f"{EVERYBODYS}?member=Bob@example.com") == [job.pk]

    def test_they_open_none(self, alice, bob, browser):
        job, client = solved_job(bob), browser(alice)

        for what in ("", "/solution", "/model", "/cancel", "/delete"):
            assert client.get(f"{MINE}/{job.pk}{what}").status_code == 404


class TestOne:
    def test_it_shows_all_there_is_to_know(self, paid_job, bob, browser):
        parameters = {"num_reads": 100, "anneal_offsets": [0.5] * 5000}
        job = paid_job(
            bob, parameters=parameters, summary={"best": -13.5, "feasible": 90, "samples": 100}, runtime_ns=15_148_020
        )
        settle(job)
        UploadedModel.objects.update(facts={"name": "shifts <1>", "num_variables": 120, "num_constraints": 14})

        page = text_of(browser(bob), f"{MINE}/{job.pk}")

        for words in ("shifts &lt;1&gt;", "90 of 100", ">-13.5</data>", QPU, "<code>[0.5, 0.5, 0.5, 0.5, ...]</code>"):
            assert words in page
        assert page.count('title="15,148,020 ns">15.1 ms<') == 2
        assert "hx-trigger" not in page

    def test_a_job_that_waits_knows_its_place(self, alice, bob, browser):
        solved_job(alice, **WAITING)
        job, client = solved_job(bob, **WAITING), browser(bob)
        assert "1 job is before it" in text_of(client, f"{MINE}/{job.pk}")

        SolveJob.objects.of(alice).delete()

        assert "next in line" in text_of(client, f"{MINE}/{job.pk}")

    def test_a_running_job_says_what_is_being_done_and_looks_again(self, bob, browser):
        job = solved_job(bob, **RUNNING, stage="Waiting for D-Wave.")

        page = text_of(browser(bob), f"{MINE}/{job.pk}")

        assert "Waiting for D-Wave." in page
        assert 'hx-trigger="every 2s"' in page

    def test_a_failed_job_says_why(self, bob, browser):
        job = solved_job(bob, **FAILED, error_message="No <model>.")

        assert "No &lt;model&gt;." in text_of(browser(bob), f"{MINE}/{job.pk}")

    def test_its_model_may_be_gone(self, bob, browser):
        job, client = solved_job(bob), browser(bob)
        UploadedModel.objects.all().delete()

        assert "The model has been deleted." in text_of(client, f"{MINE}/{job.pk}")
        assert client.get(f"{MINE}/{job.pk}/model").status_code == 404

    def test_from_it_to_its_line_and_back(self, paid_job, bob, browser):
        job, client = paid_job(bob), browser(bob)
        paid_job(bob)

        line = client.get(f"{MINE}/{job.pk}").context["line_url"]

        assert shown(client, line) == [job.usage_id]
        back = f"{MINE}/of/{job.usage_id}"
        assert back in text_of(client, line)
        assert client.get(back)["Location"] == f"{MINE}/{job.pk}"

    def test_a_line_whose_job_was_deleted_says_so(self, paid_job, bob, alice, browser):
        job = paid_job(bob)
        job.delete()

        assert "This solve job has been deleted." in text_of(browser(bob), f"{MINE}/of/{job.usage_id}")

    def test_a_line_leads_nobody_else_to_the_job(self, paid_job, bob, alice, browser):
        assert browser(alice).get(f"{MINE}/of/{paid_job(bob).usage_id}")["Location"] == MINE


class TestDownload:
    @pytest.mark.parametrize(("what", "data"), [("solution", b"a solution"), ("model", b"a model")])
    def test_it_is_saved_and_never_shown(self, bob, browser, what, data):
        job = solved_job(bob, name='evil"\r\n.html')

        answer = browser(bob).get(f"{MINE}/{job.pk}/{what}")

        assert answer.content == data
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"] == f'attachment; filename="job-{job.pk}.{what}"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "private, no-store"

    def test_there_is_no_solution_before_the_end(self, bob, browser):
        assert browser(bob).get(f"{MINE}/{solved_job(bob, **RUNNING).pk}/solution").status_code == 404


class TestCancel:
    def test_it_is_asked_for_first(self, paid_job, bob, browser):
        job = paid_job(bob, **WAITING)

        assert "What D-Wave has done by then is paid." in text_of(browser(bob), f"{MINE}/{job.pk}/cancel")

        job.refresh_from_db()
        assert not job.is_finished

    def test_a_waiting_job_ends_and_its_time_is_given_back(self, paid_job, bob, browser):
        job = paid_job(bob, **WAITING)

        answer = browser(bob).post(f"{MINE}/{job.pk}/cancel", follow=True)

        assert "The job is cancelled. It costs nothing." in answer.content.decode()
        assert answer.redirect_chain == [(f"{MINE}/{job.pk}", 302)]
        job.refresh_from_db()
        job.usage.refresh_from_db()
        assert (job.status, job.usage.status) == ("CANCELED", "released")

    def test_a_running_job_is_told_to_end(self, bob, browser):
        job = solved_job(bob, **RUNNING)

        answer = browser(bob).post(f"{MINE}/{job.pk}/cancel", follow=True)

        assert "The job is being cancelled." in answer.content.decode()
        assert f"{MINE}/{job.pk}/cancel" not in answer.content.decode(), "once is enough"
        job.refresh_from_db()
        assert job.cancel_requested_at

    def test_one_that_has_ended_stays_as_it_is(self, bob, browser):
        job = solved_job(bob)

        answer = browser(bob).post(f"{MINE}/{job.pk}/cancel", follow=True)

        assert "The job has ended already." in answer.content.decode()
        assert SolveJob.objects.get().status == "DONE"


class TestDelete:
    def test_it_is_asked_for_first(self, paid_job, bob, browser):
        job = paid_job(bob)

        assert "What it has cost stays on the ledger." in text_of(browser(bob), f"{MINE}/{job.pk}/delete")
        assert SolveJob.objects.exists()

    @pytest.mark.parametrize(("form", "models"), [({}, 1), ({"model": "on"}, 0)])
    def test_the_model_goes_only_if_wished(self, bob, browser, form, models):
        job = solved_job(bob)

        answer = browser(bob).post(f"{MINE}/{job.pk}/delete", form, follow=True)

        assert "The job is deleted." in answer.content.decode()
        assert not SolveJob.objects.exists()
        assert UploadedModel.objects.count() == models

    def test_a_running_job_has_to_end_first(self, bob, browser):
        job = solved_job(bob, **RUNNING)

        answer = browser(bob).post(f"{MINE}/{job.pk}/delete", {"model": "on"}, follow=True)

        assert "Delete it when it has ended." in answer.content.decode()
        assert (SolveJob.objects.count(), UploadedModel.objects.count()) == (1, 1)


class TestSteps:
    AT = [datetime(2026, 5, 1, 12, 0, second, 500, tzinfo=UTC) for second in (0, 3, 10)]

    @pytest.mark.parametrize(
        ("status", "moments", "steps"),
        [
            ("REQUESTED", AT[:1], [("REQUESTED", 0, None), ("IN_PROGRESS", None, None), ("DONE", None, None)]),
            ("IN_PROGRESS", AT[:2], [("REQUESTED", 0, 3), ("IN_PROGRESS", 1, None), ("DONE", None, None)]),
            ("FAILED", AT, [("REQUESTED", 0, 3), ("IN_PROGRESS", 1, 7), ("FAILED", 2, None)]),
            ("CANCELED", [AT[0], None, AT[2]], [("REQUESTED", 0, 10), ("CANCELED", 2, None)]),
        ],
    )
    def test_they_tell_a_jobs_life(self, status, moments, steps):
        created_at, started_at, ended_at = [*moments, None, None][:3]
        job = SolveJob(status=status, created_at=created_at, started_at=started_at, ended_at=ended_at)

        assert steps_of(job) == [
            Step(status, None if at is None else self.AT[at], None if seconds is None else seconds * 10**9)
            for status, at, seconds in steps
        ]
        assert [step.is_current for step in steps_of(job)] == [
            step.status == status and not job.is_finished for step in steps_of(job)
        ]


def test_what_workers_say_is_said_in_german_too(request):
    sources = [path.read_text() for path in (request.config.rootpath / "solving").glob("*.py")]
    said = {words.split('"')[0] for source in sources for words in source.split('.tell("')[1:]}

    assert said <= STAGES
    with translation.override("de"):
        assert all(translation.gettext(words) != words for words in said)
