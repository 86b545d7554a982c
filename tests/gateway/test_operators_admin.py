"""Operators look at problems and rules; they change nothing there, and read nobody's labels."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from gateway.rules import change_rules
from tests.conftest import send_problem

pytestmark = pytest.mark.django_db

MODELS = ["problem", "tokenrules"]


@pytest.fixture
def operator(client, settings):
    settings.REQUIRE_STAFF_MFA = False
    user = User.objects.create_superuser("operator@example.com", "a long password 123")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def rows(lab_token, alice, bob):
    return {
        "problem": send_problem(token=lab_token, by=bob, now=timezone.now(), label="private words"),
        "tokenrules": change_rules(token=lab_token, by=alice, max_open_problems=5),
    }


@pytest.mark.parametrize(
    ("model", "search"), [("problem", "bob@example.com"), ("problem", "lab"), ("tokenrules", "lab")]
)
def test_they_find_rows(rows, operator, model, search):
    page = operator.get(reverse(f"admin:gateway_{model}_changelist"), {"q": search})

    assert page.status_code == 200
    assert rows[model] in page.context["cl"].queryset


@pytest.mark.parametrize("model", MODELS)
def test_they_look_at_one(rows, operator, model):
    page = operator.get(reverse(f"admin:gateway_{model}_change", args=[rows[model].pk]))

    assert page.status_code == 200
    assert b"private words" not in page.content


@pytest.mark.parametrize("model", MODELS)
def test_they_change_nothing(rows, operator, model):
    pk = rows[model].pk

    assert operator.get(reverse(f"admin:gateway_{model}_add")).status_code == 403
    assert operator.post(reverse(f"admin:gateway_{model}_change", args=[pk]), {"status": "FAILED"}).status_code == 403
    assert operator.post(reverse(f"admin:gateway_{model}_delete", args=[pk]), {"post": "yes"}).status_code == 403


def test_lists_take_as_many_queries_for_many_as_for_few(rows, lab_token, bob, operator, django_assert_max_num_queries):
    address = reverse("admin:gateway_problem_changelist")
    operator.get(address)
    with django_assert_max_num_queries(30) as few:
        operator.get(address)
    for _ in range(10):
        send_problem(token=lab_token, by=bob, now=timezone.now())

    with django_assert_max_num_queries(len(few)):
        operator.get(address)
