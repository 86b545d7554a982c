"""Many programs at once, on the real database: each request is whole, and answered as if it had come alone."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from audit.models import Event
from quotas.models import TimeQuotaPolicy
from tests.conftest import SECRET
from tokens.models import QpuToken
from tokens.services import upload_token

pytestmark = pytest.mark.django_db(transaction=True)

SHARED = "/qpu-tokens/shared"
LAB = f"{SHARED}/lab"
QUOTA = f"{SHARED}/quota/group/lab"
ROUNDS = 5  # in a single one everybody may happen to wait for their turn


def at_once(client, *requests):
    """Send all requests at the same moment, each from a thread of its own; the statuses that came back, counted."""
    start = Barrier(len(requests))

    def send(request):
        try:
            start.wait(10)
            return client.generic(*request).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(requests)) as threads:
        return Counter(threads.map(send, requests))


def new_token(name, alice):
    return upload_token(scope="group", provider="dwave", name=name, secret=SECRET, by=alice)


@pytest.fixture
def client(luna, alice, bob):
    client = luna(alice)
    client.get("/users/me")  # notes the use of the key
    return client


def count(action):
    return Event.objects.filter(action=action).count()


@pytest.mark.parametrize("scope", ["shared", "private"])
def test_one_of_many_creates_wins(client, scope):
    body = {"name": "lab", "provider": "dwave", "token": SECRET}
    assert at_once(client, *[("POST", f"/qpu-tokens/{scope}", body)] * 16) == {201: 1, 409: 15}
    assert QpuToken.objects.get().secret == SECRET
    assert count("token_uploaded") == 1


def test_one_of_many_renames_onto_a_name_wins(client, alice):
    for number in range(8):
        new_token(f"old {number}", alice)
    renames = [("PATCH", f"{SHARED}/old%20{number}", {"name": "new"}) for number in range(8)]
    assert at_once(client, *renames) == {200: 1, 409: 7}
    assert QpuToken.objects.filter(name="new").count() == 1
    assert count("token_renamed") == 1


def test_equal_renames_of_one_token_are_one(client, alice):
    new_token("lab", alice)
    statuses = at_once(client, *[("PATCH", LAB, {"name": "new"})] * 8)
    assert set(statuses) <= {200, 404}  # 404: came after the first had ended
    assert statuses[200] >= 1
    assert QpuToken.objects.get().name == "new"
    assert count("token_renamed") == 1


def test_different_renames_of_one_token_tell_a_story(client, alice):
    token = new_token("lab", alice)
    at_once(client, *[("PATCH", LAB, {"name": f"new {number}"}) for number in range(8)])
    story = Event.objects.filter(action="token_renamed").order_by("id").values_list("details", "target")
    names = ["lab", *(target for _, target in story)]
    assert [details["former_name"] for details, _ in story] == names[:-1]
    token.refresh_from_db()
    assert token.name == names[-1]


def test_only_one_of_many_deletes_deletes(client, alice):
    for _ in range(ROUNDS):
        new_token("lab", alice)
        assert at_once(client, *[("DELETE", LAB)] * 6) == {204: 1, 404: 5}
    assert count("token_deleted") == ROUNDS


def test_delete_against_rename(client, alice):
    for _ in range(ROUNDS):
        new_token("lab", alice)
        statuses = at_once(client, *[("DELETE", LAB), ("PATCH", LAB, {"name": "new"})] * 3)
        assert set(statuses) <= {200, 204, 404}
        assert statuses[204] <= 1
        QpuToken.objects.all().delete()  # where the rename came first, the name that was to be deleted is gone


def test_one_of_many_quotas_wins(client, alice):
    new_token("lab", alice)
    bodies = [{"quota": number, "start": None, "end": None} for number in range(8)]
    assert at_once(client, *(("POST", QUOTA, body) for body in bodies)) == {201: 1, 409: 7}
    assert TimeQuotaPolicy.objects.count() == 1
    assert count("quota_assigned") == 1


def test_quotas_against_the_deletion_of_their_token(client, alice):
    body = {"quota": 5, "start": None, "end": None}
    user_quota = f"{SHARED}/quota/user/lab/bob@example.com"
    for _ in range(ROUNDS):
        new_token("lab", alice)
        statuses = at_once(client, ("POST", QUOTA, body), ("DELETE", LAB), ("POST", user_quota, body))
        assert statuses[204] == 1
        assert set(statuses) <= {201, 204, 404}
        assert not TimeQuotaPolicy.objects.exists()


def test_changes_of_a_quota_against_its_removal(client, alice):
    for _ in range(ROUNDS):
        new_token("lab", alice)
        client.post(QUOTA, {"quota": 5, "start": None, "end": None})
        statuses = at_once(client, *[("PATCH", QUOTA, {"quota": 7}), ("DELETE", QUOTA)] * 3)
        assert statuses[204] == 1
        assert set(statuses) <= {200, 204, 404}
        QpuToken.objects.all().delete()
    assert count("quota_removed") == ROUNDS
