"""How long a quota lasts that is given without an end: as the organization says, or else the portal."""

from datetime import timedelta

import pytest
from django.utils import timezone

from organizations import services
from quotas.assignments import Wish, plan
from quotas.models import TimeQuotaPolicy
from quotas.services import assign_quota

from .conftest import ACME

PAGE = "/o/acme/settings"


@pytest.fixture
def month(alice):
    """Acme, whose quotas last 30 days."""
    return services.change_organization(default_quota_days=30, by=alice)


def days(policy: TimeQuotaPolicy) -> int:
    return (policy.ends_at - policy.starts_at).days


class TestWhereItHolds:
    def test_in_the_service(self, alice, bob, lab_token, month):
        now = timezone.now()

        policy = assign_quota(token=lab_token, member=bob, quota_ns=1, by=alice, now=now)

        assert policy.ends_at == now + timedelta(days=30)

    def test_for_many_at_once(self, alice, bob, lab_token, month):
        now = timezone.now()
        bob.refresh_from_db()

        (assignment,) = plan(lab_token, [Wish(bob, 1)], now)

        assert assignment.window.ends_at == now + timedelta(days=30)

    def test_in_the_api(self, api, alice, lab_token, month):
        api(alice).post(f"{ACME}/qpu-tokens/group/lab/quotas/group", {"quota_ns": 1}, format="json")

        assert days(TimeQuotaPolicy.objects.get()) == 30

    def test_for_the_luna_sdk(self, api, alice, lab_token, month):
        api(alice).post("/luna-solve/api/v1/qpu-tokens/shared/quota/group/lab", {"quota": 1}, format="json")

        assert days(TimeQuotaPolicy.objects.get()) == 30

    def test_on_the_pages(self, browser, alice, lab_token, month):
        browser(alice).post("/o/acme/tokens/group/lab/quotas/group", {"quota": "1 s"})

        assert days(TimeQuotaPolicy.objects.get()) == 30

    def test_not_where_an_end_is_given(self, alice, bob, lab_token, month):
        now = timezone.now()

        policy = assign_quota(token=lab_token, member=bob, quota_ns=1, end=now + timedelta(days=3), by=alice, now=now)

        assert days(policy) == 3


class TestPage:
    def test_an_admin_sets_it(self, browser, alice, acme):
        browser(alice).post(PAGE, {"name": "Acme", "default_quota_days": "90"})

        acme.refresh_from_db()
        assert acme.quota_days == 90

    def test_left_empty_it_is_the_portals(self, browser, alice, month, settings):
        settings.QUOTA_DEFAULT_DAYS = 7

        page = browser(alice)
        assert "Empty: 7, as the operators of this portal have set." in page.get(PAGE).text
        page.post(PAGE, {"name": "Acme", "default_quota_days": ""})

        month.refresh_from_db()
        assert month.quota_days == 7

    @pytest.mark.parametrize("typed", ["0", "-1", "36501", "a year"])
    def test_nonsense_is_told_beside_the_field(self, browser, alice, acme, typed):
        answer = browser(alice).post(PAGE, {"name": "Acme", "default_quota_days": typed})

        assert answer.context["form"].errors.keys() == {"default_quota_days"}
        acme.refresh_from_db()
        assert acme.default_quota_days is None


class TestApi:
    def test_it_is_read_and_changed(self, api, alice):
        assert api(alice).patch(ACME, {"default_quota_days": 90}, format="json").json()["default_quota_days"] == 90
        assert api(alice).patch(ACME, {"default_quota_days": None}, format="json").json()["default_quota_days"] is None

    def test_nonsense_is_refused(self, api, alice):
        assert api(alice).patch(ACME, {"default_quota_days": 0}, format="json").status_code == 422
