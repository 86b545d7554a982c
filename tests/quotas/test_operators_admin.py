"""Operators look at quotas and jobs; they change nothing there."""

import pytest
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db

MODELS = ["timequotapolicy", "usage"]


@pytest.fixture
def operator(client, settings):
    settings.REQUIRE_STAFF_MFA = False
    user = User.objects.create_superuser("operator@example.com", "a long password 123")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def rows(assign, reserve, bob):
    policy = assign(bob, 1000)
    assign(None, 1000)
    return {"timequotapolicy": policy, "usage": reserve(bob, 40)}


@pytest.mark.parametrize("model", MODELS)
def test_they_find_rows_by_address_and_token(rows, operator, model):
    for search in ("bob@example.com", "lab"):
        page = operator.get(reverse(f"admin:quotas_{model}_changelist"), {"q": search})
        assert page.status_code == 200
        assert rows[model] in page.context["cl"].queryset


@pytest.mark.parametrize("model", MODELS)
def test_they_look_at_one(rows, operator, model):
    assert operator.get(reverse(f"admin:quotas_{model}_change", args=[rows[model].pk])).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_they_change_nothing(rows, operator, model):
    pk = rows[model].pk
    assert operator.get(reverse(f"admin:quotas_{model}_add")).status_code == 403
    assert operator.post(reverse(f"admin:quotas_{model}_change", args=[pk]), {"used_ns": 0}).status_code == 403
    assert operator.post(reverse(f"admin:quotas_{model}_delete", args=[pk]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_lists_take_as_many_queries_for_many_as_for_few(
    rows, assign, reserve, alice, operator, model, django_assert_max_num_queries
):
    address = reverse(f"admin:quotas_{model}_changelist")
    operator.get(address)
    with django_assert_max_num_queries(30) as few:
        operator.get(address)
    assign(alice, 1000)
    for _ in range(10):
        reserve(alice, 1)
    with django_assert_max_num_queries(len(few)):
        operator.get(address)
