from datetime import timedelta

import pytest
from django.db.models import Sum
from django.test import Client

from organizations import services as organizations
from organizations.models import Invitation
from organizations.permissions import Role
from quotas import services
from quotas.models import TimeQuotaPolicy, Usage
from quotas.overview import Overview
from tests.conftest import SECRET
from tokens.models import QpuToken
from tokens.services import upload_token

pytestmark = pytest.mark.django_db

OVERVIEW = "/o/acme/overview"
S = 10**9


@pytest.fixture
def run(reserve):
    """run(member, cost): a job that has been settled."""

    def run_job(member, access_time_ns, **options):
        usage = reserve(member, 100, **options)
        services.settle(usage=usage, access_time_ns=access_time_ns, now=usage.created_at)

    return run_job


@pytest.fixture
def concerns(alice, now):
    """concerns(): texts and addresses of what wants Alice's attention, but not who has no second factor."""

    def as_alice_sees_them():
        found = Overview(alice, now).concerns
        return [(str(concern.text), concern.url) for concern in found if "second factor" not in concern.text]

    return as_alice_sees_them


class TestFigures:
    def test_they_agree_with_the_ledger_to_the_nanosecond(self, run, reserve, alice, bob, now, browser):
        for number in range(20):
            run(bob, 1_000_000_007 * number, now=now - timedelta(days=number))
            run(alice, 13, now=now - timedelta(days=number))
        reserve(bob, 100)

        context = browser(alice).get(OVERVIEW).context

        settled = Usage.objects.aggregate(sum=Sum("access_time_ns"))["sum"]
        assert context["report"].total_ns == settled == context["report"].chart.total_ns
        assert [share.name for share in context["report"].shares] == ["bob@example.com", "alice@example.com"]
        assert context["overview"].open_jobs["count"] == 1

    def test_the_forecast_is_made_from_the_ledger(self, assign, run, bob, alice, now, browser):
        assign(None, 8 * S, start=now - timedelta(days=10), now=now - timedelta(days=10))
        for number in range(1, 5):
            run(bob, S, now=now - timedelta(days=number))

        (row,) = Overview(alice, now).quotas

        assert row.forecast.at == now + timedelta(days=10)
        assert "At this pace gone on <time" in browser(alice).get(OVERVIEW).content.decode()

    def test_jobs_on_another_token_change_no_forecast(self, assign, run, bob, alice, now):
        assign(None, 8 * S, start=now - timedelta(days=10), now=now - timedelta(days=10))
        other = upload_token(scope="group", provider="dwave", name="other", secret=SECRET, by=alice)
        for number in range(1, 5):
            run(bob, S, now=now - timedelta(days=number), token=other)

        (row,) = Overview(alice, now).quotas

        assert row.forecast.outlook == "idle"


class TestConcerns:
    def test_all_is_well(self, assign, concerns):
        assign(None, 10 * S)

        assert concerns() == []

    @pytest.mark.parametrize(
        ("quota_ns", "ends_in", "says"),
        [
            (0, timedelta(days=100), "is used up. No job can start."),
            (10 * S, timedelta(days=13), "ends on"),
            (10 * S, timedelta(seconds=-1), "ended on"),
        ],
    )
    def test_a_quota_that_stops_jobs_now_or_soon(self, assign, concerns, now, quota_ns, ends_in, says):
        assign(None, quota_ns, start=now - timedelta(days=50), end=now + ends_in)

        ((text, url),) = concerns()
        assert says in text
        assert url == "/o/acme/tokens/group/lab/quotas"

    def test_a_quota_that_runs_out_soon(self, assign, run, bob, concerns, now):
        assign(None, 8 * S, start=now - timedelta(days=10), now=now - timedelta(days=10))
        for number in range(1, 5):
            run(bob, S, now=now - timedelta(days=number))

        ((text, _),) = concerns()
        assert text.startswith("At this pace the group quota on lab is gone on <time")

    def test_a_token_that_fails_its_test(self, lab_token, bobs_token, concerns):
        QpuToken.objects.update(works=False)

        assert concerns() == [("D-Wave does not accept the token lab. Nobody can use it.", "/o/acme/tokens/group/lab")]

    def test_members_who_have_used_up_their_quotas(self, assign, run, alice, bob, concerns):
        assign(alice, 100)
        assign(bob, 50, token=upload_token(scope="group", provider="dwave", name="b", secret=SECRET, by=alice))
        run(alice, 100)

        assert [text for text, _ in concerns()] == ["1 member has used up their quota on lab."]

    def test_members_whose_quotas_end_within_a_week(self, assign, alice, bob, now, concerns):
        assign(alice, 100, end=now + timedelta(days=6))
        assign(bob, 100, end=now + timedelta(days=8))
        assert concerns() == [
            ("The quota of 1 member on lab ends within a week.", "/o/acme/tokens/group/lab/quotas?kind=ending")
        ]

        TimeQuotaPolicy.objects.update(ends_at=now + timedelta(days=7))

        assert [text for text, _ in concerns()] == ["The quotas of 2 members on lab end within a week."]

    def test_a_member_whose_quota_has_ended_is_no_concern_any_more(self, assign, bob, now, concerns):
        assign(bob, 100, start=now - timedelta(days=9), end=now - timedelta(seconds=1))

        assert concerns() == []

    def test_a_member_who_is_blocked_on_purpose_is_no_concern(self, assign, bob, concerns):
        assign(bob, 0)

        assert concerns() == []

    def test_invitations_that_expire_soon(self, alice, now, concerns):
        organizations.invite_all(emails=["a@example.com", "b@example.com"], role=Role.MEMBER, by=alice, now=now)
        assert concerns() == []

        Invitation.objects.update(expires_at=now + timedelta(days=1))

        assert concerns() == [("2 invitations expire soon, or have expired.", "/o/acme/members/invitations")]

    def test_members_without_a_second_factor(self, alice, bob, now):
        (concern,) = Overview(alice, now).concerns

        assert concern.text == "2 members sign in without a second factor."
        assert concern.url == "/o/acme/members?factor=no"

    def test_what_is_urgent_comes_first(self, assign, alice, lab_token, now):
        assign(None, 0)

        assert [concern.is_urgent for concern in Overview(alice, now).concerns] == [True, False]

    def test_names_are_escaped(self, alice, now, browser):
        token = upload_token(scope="group", provider="dwave", name="<b>bold", secret=SECRET, by=alice)
        services.assign_quota(token=token, member=None, quota_ns=0, by=alice, now=now)

        assert "<b>bold" not in browser(alice).get(OVERVIEW).content.decode()


class TestDoors:
    def test_it_is_for_admins(self, alice, bob, charlie, browser):
        assert browser(alice).get(OVERVIEW).status_code == 200
        assert browser(bob).get(OVERVIEW).status_code == 403
        assert browser(charlie).get(OVERVIEW).status_code == 404
        assert Client().get(OVERVIEW).status_code == 302

    def test_an_empty_organization_learns_what_there_is_to_do(self, alice, browser):
        page = browser(alice).get(OVERVIEW).content.decode()

        assert "No group quota is set." in page
        assert "No job has cost time yet." in page
