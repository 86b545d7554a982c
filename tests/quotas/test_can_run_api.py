from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from organizations.models import Plan
from quotas import services
from quotas.models import Usage
from quotas.policies import MAX_NS
from tests.conftest import SECRET
from tokens.services import upload_token

from .conftest import LAB

pytestmark = pytest.mark.django_db

CAN_RUN = f"{LAB}/can-run"
MINE = "/api/v1/organizations/acme/qpu-tokens/personal/mine/can-run"


def test_without_a_quota_there_is_no_limit(lab_token, bob, api):
    answer = api(bob).get(CAN_RUN)
    assert answer.status_code == 200
    assert answer.json() == {"allowed": True, "needed_ns": 1, "left_ns": None, "limits": [], "refusals": []}


def test_it_says_what_applies_and_what_is_left(assign, reserve, bob, now, api):
    group, user = assign(None, 100), assign(bob, 50)
    services.settle(usage=reserve(bob, 20), access_time_ns=15, now=now)
    reserve(bob, 10)
    answer = api(bob).get(CAN_RUN, {"access_time_ns": 25}).json()
    window = {
        "starts_at": group.starts_at.isoformat().replace("+00:00", "Z"),
        "ends_at": user.ends_at.isoformat().replace("+00:00", "Z"),
    }
    assert answer == {
        "allowed": True,
        "needed_ns": 25,
        "left_ns": 25,
        "limits": [
            {"subject": "group", "quota_ns": 100, "used_ns": 15, "reserved_ns": 10, "left_ns": 75, **window},
            {"subject": "user", "quota_ns": 50, "used_ns": 15, "reserved_ns": 10, "left_ns": 25, **window},
        ],
        "refusals": [],
    }


def test_it_says_what_would_refuse_the_job(assign, bob, now, api):
    starts_at = now + timedelta(days=1)
    assign(None, 10**9, start=starts_at)
    assign(bob, 15_000_000)
    answer = api(bob).get(CAN_RUN, {"access_time_ns": 15_148_020}).json()
    assert answer["allowed"] is False
    assert answer["refusals"] == [
        {
            "subject": "group",
            "reason": "not_started",
            "message": f"Refused by the group quota of this token: it begins at {starts_at:%Y-%m-%d %H:%M} UTC.",
            "needed_ns": 15_148_020,
            "left_ns": 10**9,
            "changes_at": starts_at.isoformat().replace("+00:00", "Z"),
        },
        {
            "subject": "user",
            "reason": "exhausted",
            "message": "Refused by the user quota of this token: needs about 15.2 ms, 15 ms left of 15 ms. "
            "That changes when an admin raises the quota.",
            "needed_ns": 15_148_020,
            "left_ns": 15_000_000,
            "changes_at": None,
        },
    ]


@pytest.mark.parametrize(("needed_ns", "allowed"), [(100, True), (101, False)])
def test_it_agrees_with_the_reservation(assign, reserve, bob, api, needed_ns, allowed):
    assign(None, 100)
    assert api(bob).get(CAN_RUN, {"access_time_ns": needed_ns}).json()["allowed"] is allowed
    if allowed:
        assert reserve(bob, needed_ns)
    else:
        with pytest.raises(services.QuotaExceeded):
            reserve(bob, needed_ns)


def test_it_books_nothing(assign, bob, api, counters):
    policy = assign(None, 100)
    api(bob).get(CAN_RUN, {"access_time_ns": 100})
    assert counters(policy) == (0, 0)
    assert not Usage.objects.exists()


def test_other_peoples_quotas_are_not_shown(assign, alice, bob, api):
    assign(alice, 0)
    assert api(bob).get(CAN_RUN).json()["limits"] == []


def test_personal_tokens_have_no_limit(bobs_token, bob, api):
    assert api(bob).get(MINE, {"access_time_ns": MAX_NS}).json()["left_ns"] is None


def test_a_plan_without_group_tokens_refuses_as_the_reservation_would(lab_token, bobs_token, bob, acme, api):
    acme.plan = Plan.BASIC
    acme.save()
    refused = api(bob).get(CAN_RUN)
    assert (refused.status_code, "basic plan" in refused.json()["message"]) == (403, True)
    assert api(bob).get(MINE).status_code == 200


@pytest.mark.parametrize("needed_ns", ["0", "-1", str(2**63), "1.5", "much"])
def test_nonsense_is_refused(lab_token, bob, api, needed_ns):
    answer = api(bob).get(CAN_RUN, {"access_time_ns": needed_ns})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["access_time_ns"])


class TestDoors:
    def test_strangers_find_nothing(self, lab_token, charlie, api):
        assert api(charlie).get(CAN_RUN).status_code == 404

    def test_nobody_else_comes_in(self, lab_token):
        assert APIClient().get(CAN_RUN).status_code == 401

    def test_other_peoples_personal_tokens_are_not_there(self, bobs_token, alice, api):
        assert api(alice).get(MINE).status_code == 404

    def test_another_organizations_token_is_not_there(self, bob, charlie, api):
        upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        assert api(bob).get(CAN_RUN).status_code == 404

    @pytest.mark.parametrize(("scopes", "status"), [(["read"], 200), (["run"], 403), (["manage"], 403)])
    def test_a_key_needs_the_scope_to_read(self, lab_token, bob, api, scopes, status):
        assert api(bob, scopes=scopes).get(CAN_RUN).status_code == status

    def test_a_browser_may_ask_too(self, lab_token, bob, browser):
        assert browser(bob).get(CAN_RUN).json()["allowed"] is True

    def test_it_only_answers(self, lab_token, bob, api):
        assert api(bob).post(CAN_RUN).status_code == 405


def test_it_takes_three_queries(assign, bob, api, django_assert_num_queries):
    """The key, the token, and its policies."""
    assign(None, 100)
    assign(bob, 100)
    client = api(bob)
    client.get(CAN_RUN)
    with django_assert_num_queries(3):
        client.get(CAN_RUN)
