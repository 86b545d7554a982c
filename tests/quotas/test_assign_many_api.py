import pytest

from audit.models import Event
from quotas.models import TimeQuotaPolicy
from tests.conftest import join

from .conftest import LAB

pytestmark = pytest.mark.django_db

ASSIGN = f"{LAB}/quotas/assign"
S = 10**9


@pytest.fixture
def quotas():
    """quotas(): who has how much."""
    return lambda: dict(TimeQuotaPolicy.objects.values_list("member__user__email", "quota_ns"))


def test_those_who_are_named_get_what_stands_beside_them_or_what_holds_for_all(lab_token, alice, bob, api, quotas):
    users = [{"user": "BOB@example.com"}, {"user": "alice@example.com", "quota_ns": 5 * S}]

    answer = api(alice).post(ASSIGN, {"quota_ns": 2 * S, "ends_at": "2090-01-01T00:00Z", "users": users})

    assert answer.status_code == 200
    assert quotas() == {"alice@example.com": 5 * S, "bob@example.com": 2 * S}
    assert (answer.json()["changed"], answer.json()["is_preview"]) == (2, False)
    assert answer.json()["quotas"][1] == answer.json()["quotas"][1] | {
        "user": "bob@example.com",
        "outlook": "new",
        "quota_ns": 2 * S,
        "ends_at": "2090-01-01T00:00:00Z",
    }
    assert Event.objects.filter(action="quota_assigned").count() == 2


def test_a_preview_changes_nothing(lab_token, alice, bob, assign, api, quotas):
    assign(bob, S)

    answer = api(alice).post(ASSIGN, {"quota_ns": S, "whom": "everybody", "preview": True}).json()

    assert [(each["user"], each["outlook"]) for each in answer["quotas"]] == [
        ("alice@example.com", "new"),
        ("bob@example.com", "same"),
    ]
    assert (answer["changed"], answer["is_preview"]) == (1, True)
    assert quotas() == {"bob@example.com": S}


def test_everybody_without_a_quota(lab_token, alice, bob, assign, api, quotas):
    assign(bob, S)
    join("Acme", "carol@example.com", "member")

    assert api(alice).post(ASSIGN, {"quota_ns": 3 * S, "whom": "without"}).json()["changed"] == 2

    assert quotas() == {"alice@example.com": 3 * S, "bob@example.com": S, "carol@example.com": 3 * S}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"users": [{"user": "bob@example.com"}]}, "quota_ns"),
        ({"whom": "everybody"}, "quota_ns"),
        ({"quota_ns": 1, "users": [{"user": "charlie@example.com"}]}, "users"),
        ({"quota_ns": 1, "users": [{"user": "bob@example.com"}, {"user": "Bob@example.com"}]}, "users"),
        ({"quota_ns": 1, "whom": "everybody", "users": [{"user": "bob@example.com"}]}, "users"),
        ({"quota_ns": -1, "whom": "everybody"}, "quota_ns"),
        ({"quota_ns": 1, "whom": "friends"}, "whom"),
    ],
)
def test_nonsense_is_refused_and_nobody_gets_anything(lab_token, alice, bob, charlie, api, quotas, asked, field):
    answer = api(alice).post(ASSIGN, asked)

    assert answer.status_code == 422
    assert field in str(answer.json())
    assert quotas() == {}


def test_members_may_not(lab_token, bob, api, quotas):
    assert api(bob).post(ASSIGN, {"quota_ns": 1, "whom": "everybody"}).status_code == 403
    assert quotas() == {}
