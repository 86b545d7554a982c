"""The eight quota calls: POST, GET, PATCH and DELETE, of a group token's quota for everybody and of one for a user."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audit import log
from audit.models import Event
from organizations.models import Organization, Plan
from quotas.models import TimeQuotaPolicy
from quotas.services import assign_quota
from tests.conftest import SECRET
from tokens.services import upload_token

GROUP = "/qpu-tokens/shared/quota/group/lab"
USER = "/qpu-tokens/shared/quota/user/lab/bob@example.com"
NOTHING = {"quota": None, "start": None, "end": None}
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def quota(**fields):
    """What the SDK sends: all three keys, always."""
    return {"quota": 5_000_000_000, "start": None, "end": None} | fields


@pytest.fixture
def client(luna, alice, bob, lab_token):
    return luna(alice)


@pytest.fixture(params=[GROUP, USER], ids=["group", "user"])
def url(request):
    return request.param


@pytest.fixture
def policy(url, client, alice, bob, lab_token):
    """A quota that is there, a quarter of it used."""
    member = bob if url == USER else None
    policy = assign_quota(
        token=lab_token,
        member=member,
        quota_ns=4_000,
        start=NEW_YEAR,
        end=NEW_YEAR + timedelta(days=30),
        by=alice,
        now=timezone.now(),
    )
    TimeQuotaPolicy.objects.update(used_ns=1_000, reserved_ns=500)
    return policy


def state(policy):
    return TimeQuotaPolicy.objects.values("quota_ns", "used_ns", "reserved_ns", "starts_at", "ends_at").get()


class TestCreate:
    def test_without_a_window_it_lasts_a_year_from_now(self, client, url, history):
        before = timezone.now()
        assert client.post(url, quota()).status_code == 201
        policy = TimeQuotaPolicy.objects.get()
        assert policy.quota_ns == 5_000_000_000
        assert before <= policy.starts_at <= timezone.now()
        assert policy.ends_at - policy.starts_at == timedelta(days=365)
        assert history() == [("quota_assigned", "lab")]

    def test_it_is_for_whom_the_address_names(self, client, bob, lab_token):
        client.post(GROUP, quota(quota=1))
        client.post(USER, quota(quota=2))
        assert lab_token.quotas.get(member=None).quota_ns == 1
        assert lab_token.quotas.get(member=bob).quota_ns == 2

    def test_a_second_one_is_refused_and_changes_nothing(self, client, url, policy, history):
        before = state(policy)
        answer = client.post(url, quota())
        assert answer.status_code == 409
        assert state(policy) == before
        assert history() == []

    @pytest.mark.parametrize("ns", [0, 1, 2**53 + 1, 2**63 - 1, 5.0, "5"])
    def test_amounts(self, client, url, ns):
        assert client.post(url, quota(quota=ns)).status_code == 201
        assert client.get(url).json()["quota"] == int(ns)

    @pytest.mark.parametrize(
        "ns", [-1, 2**63, 10**400, 1.5, 1e300, "", "x", "1e3", True, False, None, [], [5], {}, "\ud800", "5" * 2_000]
    )
    def test_amounts_that_are_none(self, client, url, history, ns):
        assert client.post(url, quota(quota=ns)).status_code == 422
        assert history() == []

    @pytest.mark.parametrize("ns", ["NaN", "Infinity", "1" * 5_000, "[" * 100_000, ""])
    def test_amounts_that_are_no_json(self, client, url, history, ns):
        assert client.post(url, f'{{"quota": {ns}, "start": null, "end": null}}').status_code == 400
        assert history() == []

    def test_an_amount_beyond_all_floats_is_refused(self, client, url):
        assert client.post(url, '{"quota": 1e400, "start": null, "end": null}').status_code == 422

    @pytest.mark.parametrize("depth", range(850, 1_000, 11))
    def test_an_amount_nested_too_deep_is_refused(self, client, depth):
        body = json.dumps(quota(quota="x", start="x")).replace('"x"', "[" * depth + "]" * depth)
        assert client.post(GROUP, body).status_code in {400, 422}

    def test_the_amount_may_not_be_missing(self, client, url):
        assert client.post(url, {"start": None, "end": None}).status_code == 422
        assert client.post(url).status_code == 422

    def test_windows_may_be_missing(self, client, url):
        assert client.post(url, {"quota": 5}).status_code == 201


class TestWindows:
    @pytest.mark.parametrize(
        ("start", "end", "starts_at", "ends_at"),
        [
            ("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"),
            ("2027-01-01T00:00:00+05:30", None, "2026-12-31T18:30:00Z", "2027-12-31T18:30:00Z"),
            ("2027-01-01T00:00:00-04:00", "2027-01-01T04:00:01Z", "2027-01-01T04:00:00Z", "2027-01-01T04:00:01Z"),
            ("2027-01-01T08:00:00.123456+00:00", None, "2027-01-01T08:00:00.123456Z", "2028-01-01T08:00:00.123456Z"),
            # Without a zone it is UTC, whoever asks from wherever.
            ("2027-01-01", "2027-02-01", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
            ("2027-01-01T12:00:00", "2027-02-01 12:00", "2027-01-01T12:00:00Z", "2027-02-01T12:00:00Z"),
            # As far as calendars go.
            ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
            ("9998-12-31T23:59:59Z", None, "9998-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ],
    )
    def test_they_are_kept_and_told_in_utc(self, client, url, start, end, starts_at, ends_at):
        assert client.post(url, quota(start=start, end=end)).status_code == 201
        told = client.get(url).json()
        assert (told["start"], told["end"]) == (starts_at, ends_at)

    def test_an_end_alone_begins_now(self, client, url):
        assert client.post(url, quota(end="2999-01-01T00:00:00Z")).status_code == 201
        assert timezone.now() - TimeQuotaPolicy.objects.get().starts_at < timedelta(minutes=1)

    def test_one_in_the_past_is_allowed(self, client, url):
        assert client.post(url, quota(start="2020-01-01", end="2020-01-02")).status_code == 201

    def test_the_default_length_is_a_setting(self, client, url, settings):
        settings.QUOTA_DEFAULT_DAYS = 7
        client.post(url, quota(start="2027-01-01"))
        assert client.get(url).json()["end"] == "2027-01-08T00:00:00Z"

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),  # the SDK lets it pass
            ("2027-01-01T00:00:00-04:00", "2027-01-01T04:00:00Z"),
            ("2027-01-02", "2027-01-01"),
            (None, "2020-01-01"),
            ("2999-01-01", "2998-01-01"),
            ("9999-12-31T23:59:59Z", None),  # has no end 365 days later
            ("9999-12-31T23:59:59-10:00", None),
            ("0001-01-01T00:00:00+10:00", "2027-01-01"),
            ("10000-01-01", None),
            ("2027-13-01", None),
            ("2027-02-30", None),
            ("2027-01-01T24:00:01Z", None),
            ("2027-01-01T00:00:00+25:00", None),
            ("now", None),
            ("", None),
            ("\0", None),
            ("2027-01-01\ud800", None),
            ("\uff12\uff10\uff12\uff17-01-01", None),  # digits of another alphabet
            (1_700_000_000, None),
            (1e400, None),
            (True, None),
            ([], None),
            ({}, None),
            ("2" * 100_000, None),
        ],
    )
    def test_those_that_are_none_are_refused(self, client, url, history, start, end):
        body = json.dumps(quota(start=start, end=end)).replace("Infinity", "1e400")
        assert client.post(url, body).status_code == 422
        assert history() == []


class TestGet:
    def test_no_quota_is_null(self, client, url):
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.content == b"null"
        assert answer["Content-Type"] == "application/json"

    def test_only_settled_time_counts_as_used(self, client, url, policy):
        assert client.get(url).json() == {
            "quota": 4_000,
            "quota_used": 1_000,
            "start": "2027-01-01T00:00:00Z",
            "end": "2027-01-31T00:00:00Z",
        }

    def test_another_user_s_is_another(self, client, policy):
        assert client.get(USER.replace("bob", "alice")).json() is None

    def test_it_takes_few_queries(self, client, url, policy, django_assert_num_queries):
        client.get(url)  # notes the use of the key
        with django_assert_num_queries(2 if url == GROUP else 4):  # key; token with policy, or token, member, policy
            client.get(url)


class TestChange:
    @pytest.mark.parametrize(
        ("body", "changed"),
        [
            (NOTHING | {"quota": 7}, {"quota_ns": 7}),
            (NOTHING | {"quota": 0}, {"quota_ns": 0}),
            (NOTHING | {"quota": 2**63 - 1}, {"quota_ns": 2**63 - 1}),
            (NOTHING | {"start": "2026-12-31"}, {"starts_at": NEW_YEAR - timedelta(days=1)}),
            (NOTHING | {"end": "2027-01-02T01:00:00+01:00"}, {"ends_at": NEW_YEAR + timedelta(days=1)}),
            ({"quota": 7}, {"quota_ns": 7}),
        ],
    )
    def test_it_changes_what_is_given_and_leaves_the_rest(self, client, url, policy, history, body, changed):
        before = state(policy)
        assert client.patch(url, body).status_code == 200
        assert state(policy) == before | changed
        assert history() == [("quota_changed", "lab")]

    @pytest.mark.parametrize("body", [NOTHING, {}, ""])
    def test_nothing_given_changes_nothing(self, client, url, policy, history, body):
        before = state(policy)
        assert client.patch(url, body).status_code == 200
        assert state(policy) == before
        assert history() == []

    @pytest.mark.parametrize(
        "body",
        [
            {"quota": -1},  # update_user_time_quota checks nothing
            {"quota": 2**63},
            {"quota": 1.5},
            {"quota": True},
            {"quota": "many"},
            {"start": "2027-01-31T00:00:00Z"},
            {"start": "2028-01-01"},
            {"end": "2027-01-01T00:00:00Z"},
            {"end": "2020-01-01"},
            {"quota": 7, "end": "never"},
            {"start": "2028-01-01", "end": "2027-06-01"},
            {"start": "9999-12-31T23:59:59-10:00"},
            "null",
            "[]",
            "7",
        ],
    )
    def test_nonsense_is_422_and_changes_nothing(self, client, url, policy, history, body):
        before = state(policy)
        assert client.patch(url, body).status_code == 422
        assert state(policy) == before
        assert history() == []

    @pytest.mark.parametrize("number", ["NaN", "-Infinity"])
    def test_what_python_takes_for_numbers_is_400(self, client, url, policy, history, number):
        assert client.patch(url, f'{{"quota": {number}, "start": null, "end": null}}').status_code == 400
        assert history() == []

    def test_what_was_used_cannot_be_changed(self, client, url, policy):
        client.patch(url, {"quota": 7, "quota_used": 0, "used_ns": 0, "reserved_ns": 0, "member": None})
        assert (state(policy)["used_ns"], state(policy)["reserved_ns"]) == (1_000, 500)

    def test_an_absent_one_is_404(self, client, url, history):
        assert client.patch(url, NOTHING | {"quota": 7}).status_code == 404
        assert history() == []


class TestDelete:
    def test_it_is_gone(self, client, url, policy, history):
        answer = client.delete(url)
        assert answer.status_code == 204
        assert client.get(url).json() is None
        assert history() == [("quota_removed", "lab")]

    def test_a_repeated_one_is_404(self, client, url, policy, history):
        client.delete(url)
        assert client.delete(url).status_code == 404
        assert len(history()) == 1

    def test_the_other_quota_stays(self, client):
        client.post(GROUP, quota())
        client.post(USER, quota())
        client.delete(USER)
        assert client.get(GROUP).json()["quota"] == 5_000_000_000

    def test_a_new_one_starts_from_zero(self, client, url, policy):
        client.delete(url)
        client.post(url, quota())
        assert client.get(url).json()["quota_used"] == 0


class TestWhichTokens:
    @pytest.mark.parametrize("provider", ["ibm", "qctrl", "aws"])
    def test_only_those_for_dwave_take_quotas(self, client, url, alice, history, provider):
        upload_token(scope="group", provider=provider, name="other", secret=SECRET, by=alice)
        answer = client.post(url.replace("lab", "other"), quota())
        assert answer.status_code == 422
        assert "D-Wave" in answer.json()["message"]
        assert client.get(url.replace("lab", "other")).json() is None
        assert len(history()) == 1

    def test_personal_ones_do_not(self, client, url, alice):
        upload_token(scope="personal", provider="dwave", name="own", secret=SECRET, by=alice)
        assert client.post(url.replace("lab", "own"), quota()).status_code == 404
        assert client.post(url.replace("lab", "own").replace("shared", "private"), quota()).status_code == 404

    def test_a_plan_without_group_tokens_is_named(self, client, url, history):
        Organization.objects.update(plan=Plan.BASIC)
        answer = client.post(url, quota())
        assert answer.status_code == 403
        assert "Acme has the basic plan" in answer.json()["message"]
        assert history() == []


class TestWhoMay:
    CALLS = [("POST", quota()), ("PATCH", {"quota": 7}), ("DELETE", "")]

    def test_members_read_their_own(self, luna, bob, client):
        client.post(USER, quota())
        assert luna(bob).get(USER).json()["quota"] == 5_000_000_000
        assert luna(bob).get(USER.replace("bob@example", "Bob@EXAMPLE")).status_code == 200
        assert luna(bob).head(USER).status_code == 200

    @pytest.mark.parametrize("whose", ["alice@example.com", "charlie@example.com", "nobody@example.com"])
    def test_members_read_nobody_else_s(self, luna, bob, charlie, lab_token, whose):
        assert luna(bob).get(USER.replace("bob@example.com", whose)).status_code == 403

    def test_members_do_not_read_the_group_s(self, luna, bob, lab_token):
        assert luna(bob).get(GROUP).status_code == 403

    def test_members_change_none_not_even_their_own(self, luna, bob, url, policy, history):
        before = state(policy)
        for method, body in self.CALLS:
            assert luna(bob).generic(method, url, body).status_code == 403
        assert state(policy) == before
        assert history() == []

    def test_strangers_find_none(self, luna, charlie, url, policy, history):
        before = state(policy)
        for method, body in [("GET", ""), *self.CALLS]:
            assert luna(charlie).generic(method, url, body).status_code == 404
        assert state(policy) == before
        assert history() == []

    def test_strangers_get_none(self, client, charlie, history):
        url = USER.replace("bob", "charlie")
        for method, body in [("GET", ""), *self.CALLS]:
            assert client.generic(method, url, body).status_code == 404
        assert history() == []


class TestAudit:
    def test_a_line_says_who_did_what_to_whose_quota(self, client, url):
        client.post(url, quota(start="2027-01-01", end="2027-02-01"))
        event = Event.objects.latest("id")
        assert (event.actor, event.action, event.target) == ("alice@example.com", "quota_assigned", "lab")
        assert event.key.startswith("test (luna_")
        assert event.details == {
            "user": "bob@example.com" if url == USER else "",
            "quota_ns": 5_000_000_000,
            "starts_at": "2027-01-01T00:00:00+00:00",
            "ends_at": "2027-02-01T00:00:00+00:00",
        }

    @pytest.mark.parametrize(("method", "body"), [("PATCH", {"quota": 7}), ("DELETE", "")])
    def test_without_it_nothing_changes(self, client, url, policy, monkeypatch, method, body):
        before = state(policy)

        def fail(*args, **kwargs):
            raise RuntimeError("The audit log cannot be written.")

        monkeypatch.setattr(log, "record", fail)
        assert client.generic(method, url, body).status_code == 500
        assert state(policy) == before

    def test_without_it_nothing_begins(self, client, url, monkeypatch):
        def fail(*args, **kwargs):
            raise RuntimeError("The audit log cannot be written.")

        monkeypatch.setattr(log, "record", fail)
        assert client.post(url, quota()).status_code == 500
        assert not TimeQuotaPolicy.objects.exists()
