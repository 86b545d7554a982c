from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from organizations.models import Plan
from organizations.services import issue_key, revoke_key
from quotas import services, views
from quotas.policies import Limit, Subject, Window
from quotas.templatetags.durations import duration, limit_meter
from tests.conftest import SECRET, join
from tokens.services import upload_token

pytestmark = pytest.mark.django_db

DASHBOARD = "/o/acme"


def text_of(answer):
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


class TestTokens:
    def test_it_shows_the_groups_tokens_first_and_then_mine(self, alice, bob, charlie, bobs_token, lab_token, browser):
        upload_token(scope="group", provider="ibm", name="another", secret=SECRET, by=alice)
        upload_token(scope="personal", provider="dwave", name="alices", secret=SECRET, by=alice)
        upload_token(scope="group", provider="dwave", name="foreign", secret=SECRET, by=charlie)
        answer = browser(bob).get(DASHBOARD)
        assert [row.token.name for row in answer.context["rows"]] == ["another", "lab", "mine"]

    def test_it_shows_what_is_left_of_the_groups_quota_and_of_mine(self, assign, reserve, alice, bob, now, browser):
        assign(None, 10_000_000_000)
        assign(bob, 2_000_000_000)
        assign(alice, 7_000_000_000)
        services.settle(usage=reserve(bob, 500_000_000), access_time_ns=500_000_000, now=now)
        reserve(bob, 250_000_000)
        page = text_of(browser(bob).get(DASHBOARD))
        assert 'Group: <data value="9250000000" title="9,250,000,000 ns">9.25 s</data> left of' in page
        assert 'Yours: <data value="1250000000" title="1,250,000,000 ns">1.25 s</data> left of' in page
        assert "250 ms</data> held by open jobs" in page
        assert 'aria-label="500 ms used, 250 ms open, of 2 s"' in page
        assert "7 s" not in page

    def test_it_says_why_nothing_can_run(self, assign, bob, now, browser):
        starts_at = now + timedelta(days=3)
        assign(None, 10, start=starts_at)
        assign(bob, 0)
        page = text_of(browser(bob).get(DASHBOARD))
        assert "No job can start now: the group's quota begins on <time" in page
        assert f"{starts_at:%H:%M} UTC</time>." in page
        assert "No job can start now: your own quota is used up." in page

    def test_it_says_when_there_is_no_limit(self, lab_token, bob, browser):
        assert "No limit" in text_of(browser(bob).get(DASHBOARD))

    def test_it_says_when_the_plan_allows_no_group_tokens(self, lab_token, bobs_token, bob, acme, browser):
        acme.plan = Plan.BASIC
        acme.save()
        assert text_of(browser(bob).get(DASHBOARD)).count("the Basic plan has no group tokens") == 1

    def test_it_says_where_tokens_come_from_if_there_are_none(self, bob, browser):
        assert "No tokens yet." in text_of(browser(bob).get(DASHBOARD))

    def test_it_leads_to_those_that_it_has_no_room_for(self, lab_token, bobs_token, bob, browser, monkeypatch):
        monkeypatch.setattr(views, "MOST_TOKENS", 1)
        answer = browser(bob).get(DASHBOARD)
        assert len(answer.context["rows"]) == 1
        assert '<a href="/o/acme/tokens">All tokens</a>' in text_of(answer)

    def test_names_are_escaped_and_secrets_are_not_there(self, alice, browser):
        upload_token(scope="group", provider="dwave", name="<b>bold</b>".replace("/", "|"), secret=SECRET, by=alice)
        page = text_of(browser(alice).get(DASHBOARD))
        assert "&lt;b&gt;bold" in page
        assert SECRET not in page

    def test_it_says_which_quota_decides(self, assign, bob, browser):
        assign(None, 10_000_000_000)
        assign(bob, 2_000_000_000)
        page = text_of(browser(bob).get(DASHBOARD))
        assert '<strong>Yours: <data value="2000000000"' in page
        assert "Your own quota decides: it leaves less." in page
        assert "<strong>Group" not in page


class TestJobs:
    def test_it_shows_my_latest_and_my_month(self, reserve, alice, bob, now, browser):
        services.settle(usage=reserve(alice, 100), access_time_ns=99, now=now)
        for number in range(7):
            usage = reserve(bob, 100, now=now - timedelta(days=number))
            services.settle(usage=usage, access_time_ns=1_000_001, now=now)
        answer = browser(bob).get(DASHBOARD)
        assert len(answer.context["jobs"]) == 5
        assert {job.user_id for job in answer.context["jobs"]} == {bob.user_id}
        assert answer.context["report"].total_ns == answer.context["report"].chart.total_ns == 7_000_007
        assert 'title="7,000,007 ns"' in text_of(answer)

    def test_first_steps_are_shown_until_all_are_done(self, lab_token, bob, reserve, browser):
        bob.keys.all().delete()
        page = text_of(browser(bob).get(DASHBOARD))
        assert "There is a token that you can use." in page
        assert "No API key." in page
        assert "No jobs yet." in page
        issue_key(name="laptop", by=bob, now=timezone.now())
        reserve(bob, 5)
        assert "First steps" not in text_of(browser(bob).get(DASHBOARD))


class TestKeys:
    def test_it_shows_my_keys_but_neither_others_nor_revoked_ones(self, alice, bob, now, browser):
        issue_key(name="laptop", by=bob, now=now)
        issue_key(name="alices-laptop", by=alice, now=now)
        revoke_key(key=issue_key(name="lost", by=bob, now=now)[0], by=bob, now=now)
        assert [key.name for key in browser(bob).get(DASHBOARD).context["keys"]] == ["laptop", "first"]


class TestDoors:
    def test_strangers_find_nothing(self, alice, charlie, browser):
        assert browser(charlie).get(DASHBOARD).status_code == 404

    def test_nobody_else_comes_in(self, alice):
        assert Client().get(DASHBOARD)["Location"] == "/accounts/login/?next=/o/acme"

    def test_an_api_key_opens_no_page(self, alice, api):
        assert api(alice).get(DASHBOARD).status_code == 302


def test_it_takes_as_many_queries_for_many_as_for_few(assign, alice, bob, browser, django_assert_max_num_queries):
    client = browser(bob)
    assign(None, 100)
    client.get(DASHBOARD)
    with django_assert_max_num_queries(20) as few:
        client.get(DASHBOARD)
    for number in range(10):
        token = upload_token(scope="group", provider="dwave", name=f"t{number}", secret=SECRET, by=alice)
        assign(None, 100, token=token)
        assign(bob, 100, token=token)
        assign(join("Acme", f"m{number}@example.com", "member"), 100, token=token)
        issue_key(name=f"key {number}", by=bob, now=timezone.now())
    with django_assert_max_num_queries(len(few)):
        client.get(DASHBOARD)


class TestMeter:
    @pytest.mark.parametrize(
        ("quota_ns", "used_ns", "reserved_ns", "used", "open_"),
        [(100, 25, 50, 25, 50), (100, 130, 0, 100, 0), (0, 0, 0, 100, 0), (0, 0, 5, 100, 0), (2**63 - 1, 0, 0, 0, 0)],
    )
    def test_it_is_in_percent_of_the_quota(self, now, quota_ns, used_ns, reserved_ns, used, open_):
        window = Window(now, now + timedelta(days=1))
        meter = limit_meter(Limit(Subject.GROUP, quota_ns, used_ns, reserved_ns, window))
        assert (meter["used"], meter["open"]) == (used, open_)

    def test_a_duration_has_its_exact_value_at_hand(self):
        assert duration(15_148_020) == '<data value="15148020" title="15,148,020 ns">15.1 ms</data>'
