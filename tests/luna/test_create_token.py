"""POST /qpu-tokens/shared and /qpu-tokens/private"""

import pytest

from audit import log
from organizations.models import Organization, Plan
from organizations.permissions import Role
from tests.conftest import SECRET, join
from tokens.models import QpuToken

SCOPES = ["shared", "private"]
TOKEN = {"name": "new", "provider": "dwave", "token": SECRET}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("provider", ["dwave", "ibm", "qctrl", "aws"])
def test_it_keeps_the_secret(luna, alice, history, scope, provider):
    answer = luna(alice).post(f"/qpu-tokens/{scope}", TOKEN | {"provider": provider})
    assert answer.status_code == 201
    assert answer.json() == {"name": "new", "provider": provider}  # the SDK forbids any other key
    token = QpuToken.objects.get()
    assert token.secret == SECRET
    assert SECRET not in f"{token!r} {token} {token.secret_digest}"
    assert history() == [("token_uploaded", "new")]


def test_a_group_token_belongs_to_the_organization(luna, alice):
    luna(alice).post("/qpu-tokens/shared", TOKEN)
    assert QpuToken.objects.filter(organization=alice.organization, owner=None).exists()


def test_a_personal_token_belongs_to_the_member(luna, bob):
    luna(bob).post("/qpu-tokens/private", TOKEN)
    assert QpuToken.objects.filter(organization=None, owner=bob.user).exists()


@pytest.mark.parametrize("scope", SCOPES)
def test_what_a_retry_repeats_is_refused_and_changes_nothing(luna, alice, history, scope):
    client = luna(alice)
    assert client.post(f"/qpu-tokens/{scope}", TOKEN).status_code == 201
    answer = client.post(f"/qpu-tokens/{scope}", TOKEN | {"token": "another", "provider": "ibm"})
    assert answer.status_code == 409
    assert answer.json()["internal_code"] == "CONFLICT"
    token = QpuToken.objects.get()
    assert (token.secret, token.provider) == (SECRET, "dwave")
    assert history() == [("token_uploaded", "new")]


def test_each_owner_has_names_of_their_own(luna, alice, bob, charlie):
    assert luna(alice).post("/qpu-tokens/shared", TOKEN).status_code == 201
    for member in (alice, bob, charlie):
        assert luna(member).post("/qpu-tokens/private", TOKEN).status_code == 201
    assert luna(charlie).post("/qpu-tokens/shared", TOKEN).status_code == 201


def test_members_cannot_create_group_tokens(luna, bob, history):
    answer = luna(bob).post("/qpu-tokens/shared", TOKEN)
    assert answer.status_code == 403
    assert history() == []


def test_a_plan_without_group_tokens_is_named(luna, alice, history):
    Organization.objects.update(plan=Plan.BASIC)
    answer = luna(alice).post("/qpu-tokens/shared", TOKEN)
    assert answer.status_code == 403
    assert "Acme has the basic plan" in answer.json()["message"]
    assert history() == []
    assert luna(alice).post("/qpu-tokens/private", TOKEN).status_code == 201


@pytest.mark.parametrize("provider", ["", "DWAVE", "d-wave", " dwave", "fujitsu", "azure", "dwave\0", "x" * 100_000])
def test_other_providers_are_refused(luna, alice, history, provider):
    answer = luna(alice).post("/qpu-tokens/private", TOKEN | {"provider": provider})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"provider"}
    assert history() == []


@pytest.mark.parametrize("secret", ["", " ", "a\nb", "a\0b", "ü", "\u202e", "x" * 8_193, "x\x7f"])
def test_a_secret_that_no_provider_issues_is_refused(luna, alice, history, secret):
    answer = luna(alice).post("/qpu-tokens/private", TOKEN | {"token": secret})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"token"}
    assert history() == []


@pytest.mark.parametrize("secret", [SECRET, f"  {SECRET}\n", "a b", "x" * 8_192, '{"a": "b/c+d=="}'])
def test_a_secret_loses_nothing_but_the_blanks_around_it(luna, alice, secret):
    assert luna(alice).post("/qpu-tokens/private", TOKEN | {"token": secret}).status_code == 201
    assert QpuToken.objects.get().secret == secret.strip()


def test_a_secret_in_the_wrong_field_is_not_repeated(luna, alice):
    answer = luna(alice).post("/qpu-tokens/private", {"name": "new", "provider": SECRET, "token": SECRET + "\n."})
    assert answer.status_code == 422  # that the secret is in no answer and no log, the fixtures look


@pytest.mark.parametrize("missing", TOKEN)
def test_nothing_may_be_missing(luna, alice, missing):
    answer = luna(alice).post("/qpu-tokens/private", {name: TOKEN[name] for name in TOKEN if name != missing})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {missing}


def test_the_key_alone_says_which_organization(luna, alice):
    elsewhere = join("Globex", alice.user.email, Role.ADMIN)
    luna(elsewhere).post("/qpu-tokens/shared", TOKEN)
    assert QpuToken.objects.get().organization == elsewhere.organization


def test_without_its_line_in_the_audit_log_nothing_is_kept(luna, alice, monkeypatch):
    client = luna(alice)

    def fail(*args, **kwargs):
        raise RuntimeError("The audit log cannot be written.")

    monkeypatch.setattr(log, "record", fail)
    assert client.post("/qpu-tokens/private", TOKEN).status_code == 500
    assert not QpuToken.objects.exists()
