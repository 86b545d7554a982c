"""Admins see and set the quotas on a group token in the browser: the group's, and every member's in place."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from organizations.models import Membership
from quotas.models import TimeQuotaPolicy
from quotas.services import settle
from tests.conftest import SECRET, join
from tokens.services import upload_token

SECOND = 10**9
QUOTAS = "/o/acme/tokens/group/lab/quotas"

pytestmark = pytest.mark.usefixtures("lab_token")


@pytest.fixture
def people(alice):
    return [join("Acme", f"member{number}@example.com", "member") for number in range(3)]


def text_of(answer):
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def shown(answer):
    return [row.member.user.email.partition("@")[0] for row in answer.context["rows"]]


def quota_of(member):
    policy = TimeQuotaPolicy.objects.filter(member=member).first()
    return policy and policy.quota_ns


class TestList:
    def test_it_shows_every_member_beside_their_quota(self, browser, alice, bob, assign, reserve, now):
        assign(bob, 10 * SECOND, end=datetime(2099, 4, 1, tzinfo=UTC))
        settle(usage=reserve(bob, 2 * SECOND), access_time_ns=2 * SECOND, now=now)
        reserve(bob, 3 * SECOND)

        page = text_of(browser(alice).get(QUOTAS))

        today = f"{now.astimezone(UTC):%-d %b %Y}"
        assert f"b bob@example.com Save 2 s 3 s 5 s 1 Apr 2099 {today} Edit" in page
        assert re.search("alice@example.com Save . . . . never Edit", page)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["alice", "member0", "member1", "member2"]),
            ("order=-email", ["member2", "member1", "member0", "alice"]),
            ("order=quota", ["member1", "member0", "alice", "member2"]),
            ("order=-quota", ["member2", "alice", "member0", "member1"]),
            ("order=-used", ["member0", "member2", "member1", "alice"]),
            ("order=left", ["member0", "member1", "alice", "member2"]),
            ("order=password", ["alice", "member0", "member1", "member2"]),
            ("search=MBER1", ["member1"]),
            ("kind=with", ["member0", "member1"]),
            ("kind=without", ["alice", "member2"]),
            ("kind=ending", ["member1"]),
            ("search=nobody", []),
        ],
    )
    def test_the_address_says_who_is_shown_and_in_which_order(
        self, browser, alice, people, assign, reserve, now, query, expected
    ):
        assign(people[0], 20)
        assign(people[1], 9, end=now + timedelta(days=6))
        settle(usage=reserve(people[0], 18), access_time_ns=18, now=now)

        assert shown(browser(alice).get(f"{QUOTAS}?{query}")) == expected

    @pytest.mark.parametrize("order", ["email", "-quota", "quota", "-used", "left"])
    def test_pages_hold_everybody_once_though_many_have_the_same(self, browser, alice, acme, assign, order):
        users = User.objects.bulk_create(User(email=f"student{number:03}@example.com") for number in range(120))
        for member in Membership.objects.bulk_create(Membership(user=user, organization=acme) for user in users)[::2]:
            assign(member, 10)
        client, seen, url = browser(alice), [], f"{QUOTAS}?order={order}"
        while url:
            answer = client.get(url)
            seen += shown(answer)
            url = answer.context["page"].next

        assert len(seen) == len(set(seen)) == 121

    def test_many_members_cost_no_more_queries(self, browser, alice, acme):
        client = browser(alice)
        client.get(QUOTAS)
        with CaptureQueriesContext(connection) as few:
            client.get(f"{QUOTAS}?order=left")
        users = User.objects.bulk_create(User(email=f"student{number}@example.com") for number in range(500))
        Membership.objects.bulk_create(Membership(user=user, organization=acme) for user in users)
        with CaptureQueriesContext(connection) as many:
            client.get(f"{QUOTAS}?order=left")

        assert len(many) == len(few)

    def test_the_group_comes_first(self, browser, alice, assign):
        client = browser(alice)
        assert "No limit is set for the group." in text_of(client.get(QUOTAS))

        assign(None, 60 * SECOND)
        assert "1 min left of 1 min" in text_of(client.get(QUOTAS))

    def test_other_tokens_take_no_quotas(self, browser, alice):
        upload_token(scope="group", provider="ibm", name="ibm", secret=SECRET, by=alice)

        assert browser(alice).get("/o/acme/tokens/group/ibm/quotas").status_code == 404
        assert "/o/acme/tokens/group/ibm/quotas" not in browser(alice).get("/o/acme/tokens/group/ibm").content.decode()


class TestSetInPlace:
    def set(self, client, member, quota, query=""):
        whom = f"members/{member.pk}" if member else "group"
        return client.post(f"{QUOTAS}/{whom}/set{query}", {"quota": quota}, follow=True)

    def test_it_sets_the_quota_and_comes_back_to_the_same_list(self, browser, alice, bob):
        answer = self.set(browser(alice), bob, "1.5 min", "?search=bo&order=-left")

        assert quota_of(bob) == 90 * SECOND
        assert answer.redirect_chain == [(f"{QUOTAS}?search=bo&order=-left", 302)]
        assert "bob@example.com may spend 1.5 min." in text_of(answer)

    def test_it_changes_one_and_leaves_its_window(self, browser, alice, bob, assign, now):
        policy = assign(bob, 5, end=now + timedelta(days=3))

        self.set(browser(alice), bob, "30 s")

        policy.refresh_from_db()
        assert (policy.quota_ns, policy.ends_at) == (30 * SECOND, now + timedelta(days=3))

    def test_it_sets_the_groups(self, browser, alice):
        assert "The group may spend 2 h." in text_of(self.set(browser(alice), None, "2 h"))
        assert quota_of(None) == 7200 * SECOND

    @pytest.mark.parametrize(
        ("quota", "words"),
        [("30", "30 of what?"), ("soon", "Type a duration"), ("", "choose Edit"), ("3000000 h", "Choose 0 s to")],
    )
    def test_mistakes_stand_beside_what_was_typed(self, browser, alice, bob, quota, words):
        answer = self.set(browser(alice), bob, quota)

        assert words in text_of(answer)
        assert f'value="{quota}"' in answer.content.decode()
        assert quota_of(bob) is None

    def test_other_organizations_are_out_of_reach(self, browser, alice, charlie):
        assert self.set(browser(alice), charlie, "1 s").status_code == 404


class TestEdit:
    def test_it_holds_from_the_beginning_of_the_first_to_the_end_of_the_last_day(self, browser, alice, bob):
        data = {"quota": "10 s", "first": "2027-01-01", "last": "2027-03-31"}

        browser(alice).post(f"{QUOTAS}/members/{bob.pk}", data)

        policy = TimeQuotaPolicy.objects.get()
        assert (policy.starts_at, policy.ends_at) == (
            datetime(2027, 1, 1, tzinfo=UTC),
            datetime(2027, 4, 1, tzinfo=UTC),
        )

    def test_days_that_are_left_as_they_were_keep_their_hours(self, browser, alice, bob, assign, now):
        policy = assign(bob, 5)
        client = browser(alice)
        form = client.get(f"{QUOTAS}/members/{bob.pk}").context["form"]

        client.post(f"{QUOTAS}/members/{bob.pk}", {name: str(form[name].value()) for name in form.fields})

        former = policy.window
        policy.refresh_from_db()
        assert (policy.quota_ns, policy.window) == (5, former)

    @pytest.mark.parametrize(
        ("data", "field", "words"),
        [
            ({"first": "2027-02-01", "last": "2027-01-31"}, "last", "cannot be before"),
            ({"last": "2020-01-01"}, "quota", "The end must be after the start."),
            ({"last": "9999-12-31"}, "last", "less than or equal"),
            ({"first": "soon"}, "first", "valid date"),
            ({"quota": "1,000 s"}, "quota", "1,000 could mean either"),
        ],
    )
    def test_mistakes_stand_next_to_the_field(self, browser, alice, bob, data, field, words):
        answer = browser(alice).post(f"{QUOTAS}/members/{bob.pk}", {"quota": "1 s"} | data)

        assert words in " ".join(answer.context["form"].errors[field])
        assert quota_of(bob) is None

    def test_the_groups_has_a_page_too(self, browser, alice):
        browser(alice).post(f"{QUOTAS}/group", {"quota": "1 h", "last": "2099-12-31"})

        assert TimeQuotaPolicy.objects.get(member=None).ends_at == datetime(2100, 1, 1, tzinfo=UTC)


class TestRemove:
    @pytest.mark.parametrize("whose", ["group", "member"])
    def test_it_says_what_that_does_and_then_removes(self, browser, alice, bob, assign, whose):
        assign(bob if whose == "member" else None, 5)
        url = f"{QUOTAS}/members/{bob.pk}/remove" if whose == "member" else f"{QUOTAS}/group/remove"

        assert "The limit is gone at once." in text_of(browser(alice).get(url))
        assert TimeQuotaPolicy.objects.exists()
        assert "The quota is removed." in text_of(browser(alice).post(url, follow=True))
        assert not TimeQuotaPolicy.objects.exists()

    def test_those_who_are_ticked_are_named_first(self, browser, alice, people, assign):
        for person in people:
            assign(person, 5)
        client, ticked = browser(alice), [people[0].pk, people[2].pk]

        page = text_of(client.post(f"{QUOTAS}/remove", {"member": ticked}))
        assert "Remove 2 quotas? member0@example.com, member2@example.com" in page
        assert TimeQuotaPolicy.objects.count() == 3

        answer = client.post(f"{QUOTAS}/remove", {"member": ticked, "confirmed": "yes"}, follow=True)
        assert "2 quotas are removed." in text_of(answer)
        assert [policy.member for policy in TimeQuotaPolicy.objects.all()] == [people[1]]

    @pytest.mark.parametrize("member", ["", "x", "9" * 30, "-1"])
    def test_nonsense_removes_nothing(self, browser, alice, bob, assign, member):
        assign(bob, 5)

        browser(alice).post(f"{QUOTAS}/remove", {"member": member, "confirmed": "yes"})

        assert quota_of(bob) == 5


class TestExport:
    def test_it_names_everybody_to_the_nanosecond(self, browser, alice, bob, assign, reserve, now):
        assign(bob, 10 * SECOND)
        settle(usage=reserve(bob, 5), access_time_ns=1_500_000_001, now=now)

        answer = browser(alice).get(f"{QUOTAS}.csv")

        rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert [row["email"] for row in rows] == ["alice@example.com", "bob@example.com"]
        assert (rows[1]["quota"], rows[1]["used"], rows[1]["used_ns"]) == ("10 s", "1.500000001 s", "1500000001")
        assert rows[0]["quota"] == ""

    def test_formulas_are_made_harmless(self, browser, alice, assign):
        assign(join("Acme", "=cmd@example.com", "member"), 5)

        assert b"\r\n'=cmd@example.com," in b"".join(browser(alice).get(f"{QUOTAS}.csv").streaming_content)
