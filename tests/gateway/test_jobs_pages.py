"""Pages of jobs: who sees which, what of them, and how they are cancelled."""

import pytest
from django.test import Client
from django.utils import timezone

from gateway.models import Problem
from quotas import services as quotas
from quotas.models import Usage
from tests.conftest import SECRET, send_problem
from tokens.services import upload_token

pytestmark = pytest.mark.django_db

MINE, EVERYBODYS = "/o/acme/jobs", "/o/acme/jobs/everybody"


@pytest.fixture
def send(lab_token):
    """send(member): a problem of this member's on the token lab, or on another one."""

    def send_one(member, token=lab_token, **changes):
        return send_problem(token=token, by=member, now=timezone.now(), **changes)

    return send_one


def shown(client, url=MINE):
    answer = client.get(url)
    assert answer.status_code == 200
    return [job.pk for job in answer.context["page"].rows]


def text_of(client, url=MINE):
    return " ".join(client.get(url).content.decode().split())


class TestList:
    def test_mine_are_all_mine_newest_first(self, send, alice, bob, bobs_token, browser):
        first = send(bob)
        send(alice)
        second = send(bob, token=bobs_token)

        assert shown(browser(bob)) == [second.pk, first.pk]

    def test_everybodys_are_those_on_tokens_of_the_group(self, send, alice, bob, bobs_token, charlie, browser):
        jobs = [send(bob), send(alice)]
        send(bob, token=bobs_token)
        send(charlie, token=upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie))

        assert shown(browser(alice), EVERYBODYS) == [job.pk for job in reversed(jobs)]

    def test_jobs_that_are_no_problems_at_dwave_are_there_too(self, lab_token, bob, browser):
        job = quotas.reserve(
            token=lab_token, by=bob, estimate_ns=5, source=Usage.Source.SOLVE_JOB, now=timezone.now(), solver="SA"
        )

        assert shown(browser(bob)) == [job.pk]
        assert "Luna SDK" in text_of(browser(bob))

    @pytest.mark.parametrize(
        ("status", "end", "badge"),
        [
            ("", None, "open"),
            ("PENDING", None, "waiting"),
            ("IN_PROGRESS", None, "running"),
            ("COMPLETED", "settle", "done"),
            ("FAILED", "release", "failed"),
            ("CANCELLED", "release", "cancelled"),
            ("", "release", "never ran"),
        ],
    )
    def test_it_says_what_became_of_a_job(self, send, bob, browser, status, end, badge):
        job, now = send(bob, status=status).usage, timezone.now()
        if end == "settle":
            quotas.settle(usage=job, access_time_ns=1_234_567, now=now)
        elif end == "release":
            quotas.release(usage=job, now=now)

        page = text_of(browser(bob))

        assert f">{badge}</span>" in page
        assert ('title="1,234,567 ns">1.23 ms<' in page) == (end == "settle")

    def test_labels_are_their_senders_own(self, send, alice, bob, browser):
        send(bob, label="my secret plan <b>")

        assert "my secret plan &lt;b&gt;" in text_of(browser(bob))
        assert "my secret plan" not in text_of(browser(alice), EVERYBODYS)

    def test_filters_narrow_it(self, send, alice, bob, lab_token, browser):
        done, mine, bobs = send(alice), send(alice), send(bob)
        quotas.settle(usage=done.usage, access_time_ns=5, now=timezone.now())
        client = browser(alice)

        assert shown(client, f"{EVERYBODYS}?state=open") == [bobs.pk, mine.pk]
        assert shown(client, f"{EVERYBODYS}?member=Bob@example.com") == [bobs.pk]
        assert shown(client, f"{EVERYBODYS}?token=other") == []
        assert shown(client, f"{MINE}?member=bob@example.com") == [mine.pk, done.pk]

    def test_it_looks_again_only_while_a_job_is_open(self, send, bob, browser):
        job = send(bob)
        assert 'hx-trigger="every 5s"' in text_of(browser(bob))

        quotas.release(usage=job.usage, now=timezone.now())

        assert "hx-trigger" not in text_of(browser(bob))

    def test_it_comes_in_pages(self, lab_token, bob, browser, django_assert_max_num_queries):
        client, now = browser(bob), timezone.now()
        send_problem(token=lab_token, by=bob, now=now)
        with django_assert_max_num_queries(10) as few:
            client.get(MINE)
        for _ in range(60):
            send_problem(token=lab_token, by=bob, now=now)

        with django_assert_max_num_queries(len(few)):
            page = client.get(MINE).context["page"]

        assert len(page.rows) == 50
        assert len(shown(client, page.next)) == 11

    def test_it_teaches_who_has_none(self, bob, browser):
        assert "No jobs yet." in text_of(browser(bob))
        assert "No job fits." in text_of(browser(bob), f"{MINE}?token=x")


class TestCancel:
    def test_it_is_asked_for_first(self, send, bob, browser):
        job = send(bob, upstream_id="abc")

        page = text_of(browser(bob), f"{MINE}/{job.pk}/cancel")

        assert "it may still end, and then costs what it took" in page
        assert Usage.objects.get().status == "reserved"

    def test_it_is_cancelled_at_dwave(self, dwave, bobs, job, bob, browser, statuses):
        dwave.configure(paused=True)
        bobs.submit_id(job())

        answer = browser(bob).post(f"{MINE}/{Problem.objects.get().pk}/cancel", follow=True)

        assert "The problem is cancelled. It costs nothing." in answer.content.decode()
        assert answer.redirect_chain == [(MINE, 302)]
        assert [problem["status"] for problem in dwave.problems()] == ["CANCELLED"]
        assert statuses() == ["released"]

    def test_it_says_when_dwave_does_not_answer(self, dwave, bobs, job, alice, browser, statuses):
        dwave.configure(paused=True)
        bobs.submit_id(job())
        dwave.fault("cancel", "status", times=None)

        answer = browser(alice).post(f"{MINE}/{Problem.objects.get().pk}/cancel", follow=True)

        assert "D-Wave did not answer as it should." in answer.content.decode()
        assert answer.redirect_chain == [(EVERYBODYS, 302)]
        assert statuses() == ["reserved"]

    def test_what_dwave_has_not_confirmed_must_wait(self, send, bob, browser):
        answer = browser(bob).post(f"{MINE}/{send(bob).pk}/cancel", follow=True)

        assert "D-Wave has not confirmed this problem yet." in answer.content.decode()

    def test_what_has_ended_stays_as_it_is(self, send, bob, browser):
        job = send(bob, upstream_id="abc")
        quotas.settle(usage=job.usage, access_time_ns=5, now=timezone.now())

        answer = browser(bob).post(f"{MINE}/{job.pk}/cancel", follow=True)

        assert "The problem has ended already." in answer.content.decode()

    def test_nobody_else_can(self, send, alice, bob, charlie, bobs_token, browser):
        alices, bobs_own = send(alice, upstream_id="abc"), send(bob, token=bobs_token, upstream_id="def")

        assert browser(bob).post(f"{MINE}/{alices.pk}/cancel").status_code == 404
        assert browser(alice).post(f"{MINE}/{bobs_own.pk}/cancel").status_code == 404
        assert browser(charlie).post(f"{MINE}/{alices.pk}/cancel").status_code == 404
        assert Problem.objects.filter(usage__status="reserved").count() == 2


def test_everybodys_are_for_admins(alice, bob, charlie, browser):
    assert browser(alice).get(EVERYBODYS).status_code == 200
    assert browser(bob).get(EVERYBODYS).status_code == 403
    assert browser(charlie).get(EVERYBODYS).status_code == 404
    assert Client().get(MINE).status_code == 302
