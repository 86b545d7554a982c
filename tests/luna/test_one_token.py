"""GET, PATCH and DELETE /qpu-tokens/{scope}/{name}"""

import pytest
from django.utils import timezone

from audit import log
from organizations.models import Organization, Plan
from quotas.services import assign_quota
from tests.conftest import SECRET
from tokens.models import QpuToken
from tokens.services import upload_token

LAB = "/qpu-tokens/shared/lab"
MINE = "/qpu-tokens/private/mine"
METHODS = [("GET", ""), ("PATCH", {"name": "taken-over"}), ("DELETE", "")]


class TestGet:
    def test_it_says_name_and_provider(self, luna, alice, bob, lab_token):
        for member in (alice, bob):
            answer = luna(member).get(LAB)
            assert answer.status_code == 200
            assert answer.json() == {"name": "lab", "provider": "dwave"}

    def test_head_does_as_well(self, luna, alice, lab_token):
        assert luna(alice).head(LAB).status_code == 200

    def test_it_takes_two_queries_and_decrypts_nothing(self, luna, alice, lab_token, django_assert_num_queries):
        client = luna(alice)
        client.get(LAB)  # notes the use of the key
        with django_assert_num_queries(2) as queries:
            client.get(LAB)
        assert not any('"secret"' in query["sql"] for query in queries)


class TestRename:
    def test_it_keeps_everything_but_the_name(self, luna, alice, bob, lab_token, history):
        assign_quota(token=lab_token, member=bob, quota_ns=5, by=alice, now=timezone.now())
        client = luna(alice)
        answer = client.patch(LAB, {"name": "new"})
        assert answer.status_code == 200
        assert answer.json() == {"name": "new", "provider": "dwave"}
        assert QpuToken.objects.get().secret == SECRET
        assert client.get(LAB).status_code == 404
        assert client.get("/qpu-tokens/shared/quota/user/new/bob@example.com").json()["quota"] == 5
        assert history() == [("quota_assigned", "lab"), ("token_renamed", "new")]

    def test_a_name_in_use_is_refused(self, luna, alice, lab_token, history):
        upload_token(scope="group", provider="ibm", name="other", secret=SECRET, by=alice)
        answer = luna(alice).patch(LAB, {"name": "other"})
        assert answer.status_code == 409
        assert history() == [("token_uploaded", "other")]
        assert set(QpuToken.objects.values_list("name", flat=True)) == {"lab", "other"}

    def test_the_same_name_changes_nothing(self, luna, alice, lab_token, history):
        assert luna(alice).patch(LAB, {"name": "lab"}).status_code == 200
        assert history() == []

    @pytest.mark.parametrize("body", ["", {}, {"new_name": "x"}, {"name": None}, {"name": ["x"]}])
    def test_nonsense_is_422(self, luna, alice, lab_token, history, body):
        assert luna(alice).patch(LAB, body).status_code == 422
        assert history() == []

    def test_nothing_else_can_be_changed(self, luna, alice, lab_token):
        luna(alice).patch(LAB, {"name": "new", "provider": "ibm", "token": "another", "id": 99})
        token = QpuToken.objects.get()
        assert (token.pk, token.provider, token.secret) == (lab_token.pk, "dwave", SECRET)


class TestDelete:
    def test_it_goes_with_its_quotas(self, luna, alice, bob, lab_token, history):
        assign_quota(token=lab_token, member=bob, quota_ns=5, by=alice, now=timezone.now())
        client = luna(alice)
        answer = client.delete(LAB)
        assert answer.status_code == 204
        assert answer.content == b""
        assert not QpuToken.objects.exists()
        assert not bob.quotas.exists()
        assert client.delete(LAB).status_code == 404  # what a retry of the SDK meets
        assert history() == [("quota_assigned", "lab"), ("token_deleted", "lab")]

    def test_its_name_is_free_again_and_without_quotas(self, luna, alice, lab_token):
        assign_quota(token=lab_token, member=None, quota_ns=5, by=alice, now=timezone.now())
        client = luna(alice)
        client.delete(LAB)
        client.post("/qpu-tokens/shared", {"name": "lab", "provider": "dwave", "token": SECRET})
        assert client.get("/qpu-tokens/shared/quota/group/lab").json() is None

    def test_a_plan_that_has_lost_group_tokens_can_still_clear_them_away(self, luna, alice, lab_token):
        Organization.objects.update(plan=Plan.BASIC)
        assert luna(alice).delete(LAB).status_code == 204


class TestOutOfReach:
    def test_members_change_no_group_token(self, luna, bob, lab_token, history):
        for method, body in METHODS[1:]:
            assert luna(bob).generic(method, LAB, body).status_code == 403
        assert history() == []

    def test_members_are_told_the_same_of_tokens_that_are_not_there(self, luna, bob):
        for method, body in METHODS[1:]:
            assert luna(bob).generic(method, LAB, body).status_code == 403

    def test_strangers_find_no_group_token(self, luna, charlie, lab_token, history):
        for method, body in METHODS:
            assert luna(charlie).generic(method, LAB, body).status_code == 404
        assert history() == []

    def test_nobody_finds_another_s_personal_token(self, luna, alice, charlie, bobs_token, history):
        for member in (alice, charlie):
            for method, body in METHODS:
                assert luna(member).generic(method, MINE, body).status_code == 404
        assert history() == []

    def test_scopes_do_not_mix(self, luna, alice, bob, lab_token, bobs_token, history):
        for method, body in METHODS:
            assert luna(alice).generic(method, LAB.replace("shared", "private"), body).status_code == 404
        assert luna(bob).get(MINE.replace("private", "shared")).status_code == 404
        assert history() == []


@pytest.mark.parametrize(("method", "body"), METHODS[1:])
def test_without_its_line_in_the_audit_log_nothing_changes(luna, alice, lab_token, monkeypatch, method, body):
    client = luna(alice)

    def fail(*args, **kwargs):
        raise RuntimeError("The audit log cannot be written.")

    monkeypatch.setattr(log, "record", fail)
    assert client.generic(method, LAB, body).status_code == 500
    assert QpuToken.objects.get().name == "lab"
