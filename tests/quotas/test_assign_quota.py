from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework.test import APIClient

from organizations.errors import Conflict
from organizations.models import Plan
from organizations.services import remove_member
from quotas.models import TimeQuotaPolicy
from quotas.policies import MAX_NS
from tests.conftest import SECRET
from tokens.services import delete_token, upload_token

from .conftest import LAB

pytestmark = pytest.mark.django_db

GROUP = f"{LAB}/quotas/group"
BOBS = f"{LAB}/quotas/users/bob@example.com"
START = datetime(2026, 7, 1, tzinfo=UTC)


def policies():
    return TimeQuotaPolicy.objects.count()


class TestService:
    def test_it_begins_with_nothing_used(self, assign, bob):
        policy = assign(bob, 10)
        policy.refresh_from_db()
        assert (policy.member, policy.quota_ns, policy.used_ns, policy.reserved_ns) == (bob, 10, 0, 0)

    def test_it_lasts_a_year_from_now_unless_told_otherwise(self, assign, now, settings):
        policy = assign(None, 10)
        assert (policy.starts_at, policy.ends_at) == (now, now + timedelta(days=365))

    def test_the_default_is_a_setting_and_counts_from_the_start(self, assign, settings):
        settings.QUOTA_DEFAULT_DAYS = 7
        assert assign(None, 10, start=START).ends_at == START + timedelta(days=7)

    def test_it_takes_a_window(self, assign):
        policy = assign(None, 10, start=START, end=START + timedelta(hours=1))
        policy.refresh_from_db()
        assert (policy.starts_at, policy.ends_at) == (START, START + timedelta(hours=1))

    @pytest.mark.parametrize("quota_ns", [0, 1, MAX_NS])
    def test_it_takes_all_that_a_database_integer_holds(self, assign, quota_ns):
        policy = assign(None, quota_ns)
        policy.refresh_from_db()
        assert policy.quota_ns == quota_ns

    def test_the_group_and_each_member_have_one_each(self, assign, alice, bob):
        for whom in (None, alice, bob):
            assign(whom, 10)
        assert policies() == 3

    @pytest.mark.parametrize("whom", ["group", "bob"])
    def test_it_refuses_a_second_one(self, assign, bob, whom, history):
        member = bob if whom == "bob" else None
        assign(member, 10)
        history()
        with pytest.raises(Conflict, match=f"has a {'user' if member else 'group'} quota already"):
            assign(member, 20)
        assert TimeQuotaPolicy.objects.get().quota_ns == 10
        assert history() == []

    @pytest.mark.parametrize(
        ("quota_ns", "window"),
        [
            (-1, {}),
            (MAX_NS + 1, {}),
            (10, {"start": START, "end": START}),
            (10, {"start": START, "end": START - timedelta(seconds=1)}),
            (10, {"end": START - timedelta(days=10_000)}),
            (10, {"start": datetime(9999, 12, 31, tzinfo=UTC)}),
        ],
    )
    def test_it_refuses_nonsense(self, assign, history, quota_ns, window):
        with pytest.raises(ValidationError):
            assign(None, quota_ns, **window)
        assert policies() == 0
        assert history() == []

    @pytest.mark.parametrize("provider", ["ibm", "qctrl", "aws"])
    def test_other_providers_tokens_have_none(self, assign, alice, provider):
        token = upload_token(scope="group", provider=provider, name="other", secret=SECRET, by=alice)
        with pytest.raises(ValidationError, match="D-Wave group tokens only"):
            assign(None, 10, token=token)

    def test_personal_tokens_have_none(self, assign, bob, bobs_token):
        with pytest.raises(ValidationError, match="D-Wave group tokens only"):
            assign(bob, 10, token=bobs_token, by=bob)

    def test_a_plan_without_group_tokens_has_none(self, assign, alice, acme):
        acme.plan = Plan.BASIC
        with pytest.raises(PermissionDenied, match="Acme has the basic plan"):
            assign(None, 10)

    def test_it_is_recorded(self, assign, alice, bob, history):
        assign(bob, 10, start=START, end=START + timedelta(days=1))
        assign(None, 20, start=START, end=START + timedelta(days=1))
        users, groups = history()
        assert (users.action, users.actor, users.organization_id) == (
            "quota_assigned",
            "alice@example.com",
            alice.organization_id,
        )
        assert (users.target_type, users.target) == ("tokens.QpuToken", "lab")
        window = {"starts_at": "2026-07-01T00:00:00+00:00", "ends_at": "2026-07-02T00:00:00+00:00"}
        assert users.details == {"user": "bob@example.com", "quota_ns": 10, **window}
        assert groups.details == {"user": "", "quota_ns": 20, **window}

    def test_without_its_audit_line_it_does_not_happen(self, assign, bob, broken_audit):
        with pytest.raises(OSError, match="audit log is full"):
            assign(bob, 10)
        assert policies() == 0

    def test_a_token_that_was_deleted_meanwhile_is_gone(self, assign, alice, lab_token):
        delete_token(token=type(lab_token).objects.get(pk=lab_token.pk), by=alice)
        with pytest.raises(Http404):
            assign(None, 10)

    def test_a_member_who_was_removed_meanwhile_is_gone(self, assign, alice, bob):
        remove_member(membership=type(bob).objects.get(pk=bob.pk), by=alice)
        with pytest.raises(Conflict, match="removed this member"):
            assign(bob, 10)
        assert policies() == 0


class TestRestApi:
    def test_an_admin_gives_the_group_a_quota(self, lab_token, alice, api):
        answer = api(alice).post(GROUP, {"quota_ns": 10, "starts_at": "2026-07-01T12:00:00+02:00", "ends_at": None})
        policy = TimeQuotaPolicy.objects.get()
        assert answer.status_code == 201
        assert answer.json() == {
            "id": policy.pk,
            "subject": "group",
            "user": None,
            "quota_ns": 10,
            "used_ns": 0,
            "reserved_ns": 0,
            "left_ns": 10,
            "starts_at": "2026-07-01T10:00:00Z",
            "ends_at": "2027-07-01T10:00:00Z",
        }
        assert (policy.token, policy.member) == (lab_token, None)

    def test_an_admin_gives_a_member_a_quota_whatever_the_case_of_the_address(self, lab_token, alice, bob, api):
        answer = api(alice).post(f"{LAB}/quotas/users/BOB@Example.com", {"quota_ns": MAX_NS})
        assert (answer.status_code, answer.json()["subject"], answer.json()["user"]) == (201, "user", bob.user.email)
        assert TimeQuotaPolicy.objects.get().member == bob

    def test_a_time_without_a_zone_is_utc(self, lab_token, alice, api):
        answer = api(alice).post(GROUP, {"quota_ns": 10, "starts_at": "2026-07-01T12:00:00"})
        assert answer.json()["starts_at"] == "2026-07-01T12:00:00Z"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "quota_ns"),
            ({"quota_ns": None}, "quota_ns"),
            ({"quota_ns": -1}, "quota_ns"),
            ({"quota_ns": 2**63}, "quota_ns"),
            ({"quota_ns": 10**400}, "quota_ns"),
            ({"quota_ns": 1.5}, "quota_ns"),
            ({"quota_ns": True}, "quota_ns"),
            ({"quota_ns": "lots"}, "quota_ns"),
            ({"quota_ns": [1]}, "quota_ns"),
            ({"quota_ns": 1, "starts_at": "soon"}, "starts_at"),
            ({"quota_ns": 1, "ends_at": 1_800_000_000}, "ends_at"),
            ({"quota_ns": 1, "starts_at": "9999-12-31T23:59:59-12:00"}, "starts_at"),
            ({"quota_ns": 1, "ends_at": "0001-01-01T00:00:00+14:00"}, "ends_at"),
            ({"quota_ns": 1, "starts_at": "9999-12-31T00:00:00Z"}, "__all__"),
            ({"quota_ns": 1, "starts_at": "2026-07-02T00:00:00Z", "ends_at": "2026-07-01T00:00:00Z"}, "__all__"),
            ({"quota_ns": 1, "ends_at": "2000-01-01T00:00:00Z"}, "__all__"),
        ],
    )
    def test_nonsense_is_refused(self, lab_token, alice, api, body, field):
        answer = api(alice).post(GROUP, body)
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == [field]
        assert policies() == 0

    @pytest.mark.parametrize("body", ["", "{", '{"quota_ns": NaN}', '{"quota_ns": Infinity}', "\xff"])
    def test_what_is_no_json_is_refused(self, lab_token, alice, api, body):
        answer = api(alice).generic("POST", GROUP, body.encode("latin-1"), content_type="application/json")
        assert answer.status_code in {400, 422}
        assert policies() == 0

    def test_a_second_one_is_a_conflict(self, assign, alice, api):
        assign(None, 10)
        assert api(alice).post(GROUP, {"quota_ns": 20}).status_code == 409

    def test_other_providers_tokens_have_none(self, alice, api):
        upload_token(scope="group", provider="ibm", name="heron", secret=SECRET, by=alice)
        answer = api(alice).post(GROUP.replace("/lab/", "/heron/"), {"quota_ns": 10})
        assert (answer.status_code, answer.json()["message"]) == (
            422,
            "Time quotas can be set on D-Wave group tokens only.",
        )

    def test_a_plan_without_group_tokens_is_named(self, lab_token, alice, acme, api):
        acme.plan = Plan.BASIC
        acme.save()
        answer = api(alice).post(GROUP, {"quota_ns": 10})
        assert answer.status_code == 403
        assert "Acme has the basic plan" in answer.json()["message"]

    @pytest.mark.parametrize("path", [GROUP, BOBS])
    def test_members_may_not(self, lab_token, bob, api, path):
        assert api(bob).post(path, {"quota_ns": 10}).status_code == 403
        assert policies() == 0

    @pytest.mark.parametrize("path", [GROUP, BOBS])
    def test_strangers_find_nothing(self, lab_token, bob, charlie, api, path):
        assert api(charlie).post(path, {"quota_ns": 10}).status_code == 404
        assert policies() == 0

    def test_nobody_else_comes_in(self, lab_token):
        assert APIClient().post(GROUP, {"quota_ns": 10}).status_code == 401

    @pytest.mark.parametrize("scopes", [["read"], ["run"], ["read", "run"]])
    def test_a_key_without_the_scope_may_not(self, lab_token, alice, api, scopes):
        assert api(alice, scopes=scopes).post(GROUP, {"quota_ns": 10}).status_code == 403

    @pytest.mark.parametrize(
        "path",
        [
            f"{LAB}/quotas/users/charlie@example.com",
            f"{LAB}/quotas/users/nobody@example.com",
            GROUP.replace("/lab/", "/unknown/"),
            GROUP.replace("/group/lab/", "/personal/mine/"),
        ],
        ids=["another organization's member", "nobody", "no such token", "a personal token"],
    )
    def test_what_is_not_there_is_not_there(self, lab_token, bobs_token, alice, charlie, api, path):
        assert api(alice).post(path, {"quota_ns": 10}).status_code == 404
        assert policies() == 0

    def test_equal_names_of_other_organizations_stay_apart(self, lab_token, alice, charlie, api):
        theirs = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        api(charlie).post(GROUP.replace("/acme/", "/globex/"), {"quota_ns": 10})
        assert TimeQuotaPolicy.objects.get().token == theirs

    def test_a_browser_needs_a_csrf_token(self, lab_token, alice, browser):
        client = browser(alice)
        client.handler.enforce_csrf_checks = True
        assert client.post(GROUP, '{"quota_ns": 10}', content_type="application/json").status_code == 403
        assert policies() == 0
