"""Reading and changing the rules of a token."""

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from audit.models import Event
from gateway.models import TokenRules
from gateway.rules import MAX_SOLVERS
from quotas.policies import MAX_NS
from tests.conftest import SECRET
from tokens.services import delete_token, upload_token

pytestmark = pytest.mark.django_db

LAB = "/api/v1/organizations/acme/qpu-tokens/group/lab/rules"
MINE = "/api/v1/organizations/acme/qpu-tokens/personal/mine/rules"
NONE = {"solvers": [], "max_estimate_ns": None, "max_open_problems": None}
SOME = {"solvers": ["Advantage_system6.4"], "max_estimate_ns": 10**9, "max_open_problems": 100}


def lines():
    return list(Event.objects.with_action("rules_changed").order_by("id"))


class TestReading:
    def test_a_token_without_rules_says_so(self, lab_token, bob, api):
        assert api(bob).get(LAB).json() == NONE

    def test_everybody_who_may_use_the_token_sees_them(self, lab_token, alice, bob, api):
        api(alice).patch(LAB, SOME, format="json")

        assert api(bob).get(LAB).json() == SOME


class TestChanging:
    def test_it_answers_with_all_rules(self, lab_token, alice, api):
        answer = api(alice).patch(LAB, SOME, format="json")

        assert (answer.status_code, answer.json()) == (200, SOME)

    @pytest.mark.parametrize("name", SOME)
    def test_what_is_left_out_stays(self, lab_token, alice, api, name):
        api(alice).patch(LAB, SOME, format="json")

        assert api(alice).patch(LAB, {name: NONE[name]}, format="json").json() == SOME | {name: NONE[name]}
        assert api(alice).patch(LAB, {name: SOME[name]}, format="json").json() == SOME

    @pytest.mark.parametrize(
        "change",
        [
            {"max_estimate_ns": 1},
            {"max_estimate_ns": MAX_NS},
            {"max_open_problems": 1},
            {"max_open_problems": 1000},
            {"solvers": ["x" * 100]},
            {"solvers": [f"solver{number}" for number in range(MAX_SOLVERS)]},
        ],
    )
    def test_it_takes_whatever_makes_sense(self, lab_token, alice, api, change):
        assert api(alice).patch(LAB, change, format="json").json() == NONE | change

    def test_a_solver_counts_once(self, lab_token, alice, api):
        assert api(alice).patch(LAB, {"solvers": ["b", "a", "b"]}, format="json").json()["solvers"] == ["b", "a"]

    @pytest.mark.parametrize(
        "change",
        [
            {"max_estimate_ns": 0},
            {"max_estimate_ns": MAX_NS + 1},
            {"max_estimate_ns": "much"},
            {"max_open_problems": 0},
            {"max_open_problems": 1001},
            {"max_open_problems": 1.5},
            {"solvers": None},
            {"solvers": "Advantage_system6.4"},
            {"solvers": ["../problems"]},
            {"solvers": ["two words"]},
            {"solvers": ["x" * 101]},
            {"solvers": [""]},
            {"solvers": [f"solver{number}" for number in range(MAX_SOLVERS + 1)]},
        ],
    )
    def test_nonsense_is_refused_and_nothing_changes(self, lab_token, alice, api, change):
        answer = api(alice).patch(LAB, {"max_open_problems": 5} | change, format="json")

        assert answer.status_code == 422
        assert {field.partition(".")[0] for field in answer.json()["errors"]} == change.keys()
        assert not TokenRules.objects.exists()
        assert lines() == []

    def test_a_token_of_another_provider_takes_none(self, lab_token, alice, api):
        upload_token(scope="group", provider="ibm", name="ibm", secret=SECRET, by=alice)

        answer = api(alice).patch(LAB.replace("/lab/", "/ibm/"), SOME, format="json")

        assert (answer.status_code, answer.json()["message"]) == (422, "Rules can be set on D-Wave tokens only.")

    @pytest.mark.parametrize("name", ["max_estimate_ns", "max_open_problems"])
    def test_the_database_refuses_what_must_never_be(self, lab_token, name):
        with pytest.raises(IntegrityError), transaction.atomic():
            TokenRules.objects.create(token=lab_token, **{name: 0})

    def test_they_go_with_the_token(self, lab_token, alice, api):
        api(alice).patch(LAB, SOME, format="json")

        delete_token(token=lab_token, by=alice)

        assert not TokenRules.objects.exists()


class TestAudit:
    def test_it_says_what_has_changed(self, lab_token, alice, api):
        api(alice).patch(LAB, {"solvers": ["a", "b"], "max_open_problems": 5}, format="json")
        api(alice).patch(LAB, {"solvers": ["a", "b"], "max_open_problems": None}, format="json")

        first, second = lines()
        assert first.details == {"solvers": "a, b", "max_open_problems": 5}
        assert second.details == {"max_open_problems": None}
        assert (first.actor, first.target, first.organization_id) == (
            "alice@example.com",
            "lab",
            lab_token.organization_id,
        )

    @pytest.mark.parametrize("change", [{}, SOME])
    def test_no_change_is_no_line(self, lab_token, alice, api, change):
        api(alice).patch(LAB, SOME, format="json")

        assert api(alice).patch(LAB, change, format="json").json() == SOME
        assert len(lines()) == 1

    def test_what_people_do_with_their_own_tokens_is_in_nobodys_log(self, bobs_token, bob, api):
        api(bob).patch(MINE, SOME, format="json")

        (line,) = lines()
        assert line.organization_id is None

    def test_nothing_changes_without_its_line(self, lab_token, alice, api, monkeypatch):
        def fail(*args, **kwargs):
            raise RuntimeError

        monkeypatch.setattr("audit.log.record", fail)
        with pytest.raises(RuntimeError):
            api(alice).patch(LAB, SOME, format="json")

        assert not TokenRules.objects.exists()


class TestDoors:
    def test_members_only_read_those_of_the_group(self, lab_token, bob, api):
        assert api(bob).get(LAB).status_code == 200
        assert api(bob).patch(LAB, SOME, format="json").status_code == 403

    def test_owners_change_those_of_their_own(self, bobs_token, alice, bob, api):
        assert api(bob).patch(MINE, SOME, format="json").json() == SOME
        assert api(alice).get(MINE).status_code == api(alice).patch(MINE, SOME, format="json").status_code == 404

    def test_strangers_find_nothing(self, lab_token, charlie, api):
        assert api(charlie).get(LAB).status_code == api(charlie).patch(LAB, SOME, format="json").status_code == 404

    def test_another_organizations_token_is_not_there(self, bob, charlie, api):
        upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)

        assert api(bob).get(LAB).status_code == 404

    def test_nobody_else_comes_in(self, lab_token):
        assert APIClient().get(LAB).status_code == 401

    @pytest.mark.parametrize(
        ("scopes", "reads", "changes"), [(["read"], 200, 403), (["run"], 403, 403), (["manage"], 403, 200)]
    )
    def test_a_key_needs_the_scope(self, lab_token, alice, api, scopes, reads, changes):
        client = api(alice, scopes=scopes)

        assert client.get(LAB).status_code == reads
        assert client.patch(LAB, SOME, format="json").status_code == changes
