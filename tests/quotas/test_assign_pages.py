"""Admins paste or tick many people, look at what would change, and set all their quotas at once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from organizations.services import remove_member
from quotas.assignees import Default, entries_of
from quotas.models import TimeQuotaPolicy
from tests.conftest import join

SECOND = 10**9
QUOTAS = "/o/acme/tokens/group/lab/quotas"

pytestmark = pytest.mark.usefixtures("lab_token")


@pytest.fixture
def people(alice):
    return [join("Acme", f"member{number}@example.com", "member") for number in range(3)]


def text_of(answer):
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def quotas():
    policies = TimeQuotaPolicy.objects.exclude(member=None).order_by("member__user__email")
    return {policy.member.user.email.partition("@")[0]: policy.quota_ns for policy in policies}


class TestReading:
    @pytest.fixture
    def read(self, lab_token, acme, people, now):
        """read(text): what would become of each line, where 7 ns are asked for all others."""
        return lambda text, quota_ns=7: entries_of(text, Default(quota_ns, None, None), lab_token, acme, now)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("member0@example.com", [("member0", 7)]),
            ("Member0@Example.com\n\nmember1@example.com", [("member0", 7), ("member1", 7)]),
            ("member0@example.com, member1@example.com", [("member0", 7), ("member1", 7)]),
            ("Zero <member0@example.com>", [("member0", 7)]),
            ("member0@example.com, 2 s", [("member0", 2 * SECOND)]),
            ("member0@example.com;1,5 s", [("member0", 3 * SECOND // 2)]),
            ("member0@example.com\tZero\t250 ms", [("member0", SECOND // 4)]),
            ("7 of 9,member0@example.com", [("member0", 7)]),
            ("email,quota\nmember0@example.com,2 s\nmember1@example.com,", [("member0", 2 * SECOND)]),
            ("Name,E-Mail\nZero,member0@example.com", [("member0", 7)]),
            ("quota,name,email\n1 s,Zero,member0@example.com", [("member0", SECOND)]),
        ],
    )
    def test_it_finds_people_and_quotas_as_they_are_pasted(self, read, text, expected):
        found = [(each.assignment.member.user.email.partition("@")[0], each.assignment.quota_ns) for each in read(text)]

        assert found == expected

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("nobody", "There is no email address in this line."),
            ("x@localhost", "full domain"),
            ("member0@example.com, 30", "30 of what?"),
            ("member0@example.com, -3 s", "Type a duration"),
            ("x" * 200_000, "too long"),
            ("member0@example.com, 9999999 h", "too large"),
        ],
    )
    def test_it_says_what_is_wrong_with_a_line(self, read, line, problem):
        (entry,) = read(line)

        assert problem in entry.problem
        assert entry.assignment is None

    def test_it_tells_strangers_and_repeats_from_mistakes(self, read):
        stranger, first, again, wrong = read("dora@example.com\nmember0@example.com\nMEMBER0@example.com\nx")

        assert stranger.is_stranger
        assert first.assignment
        assert again.problem == "stands further up already"
        assert not wrong.is_stranger

    def test_somebody_has_to_say_how_much(self, read):
        own, none = read("member0@example.com,1 s\nmember1@example.com", quota_ns=None)

        assert own.assignment
        assert "No quota is given" in none.problem

    def test_days_and_moments_are_windows(self, read):
        head = "email,quota,starts_at,ends_at\n"
        days, moments, wrong = read(
            f"{head}member0@example.com,1 s,2027-01-01,2027-03-31\n"
            "member1@example.com,1 s,2027-01-01T10:00:00+01:00,2027-03-31T00:00:00\n"
            "member2@example.com,1 s,tomorrow,\n"
        )

        assert days.assignment.window.ends_at == datetime(2027, 4, 1, tzinfo=UTC)
        assert moments.assignment.window.starts_at == datetime(2027, 1, 1, 9, tzinfo=UTC)
        assert moments.assignment.window.ends_at == datetime(2027, 3, 31, tzinfo=UTC)
        assert wrong.problem == "tomorrow is no date such as 2027-03-31."

    def test_it_asks_the_database_no_more_often_for_many(self, read, django_assert_num_queries):
        with django_assert_num_queries(2):
            assert len(read("\n".join(f"member{number}@example.com" for number in range(300)))) == 300


class TestPreview:
    def look(self, client, **data):
        return client.post(f"{QUOTAS}/assign", {"whom": "list", "people": "", "quota": "10 s"} | data)

    def test_it_changes_nothing_and_says_what_would_change(self, browser, alice, people, assign):
        assign(people[0], 10 * SECOND)
        assign(people[1], 5 * SECOND)
        lines = [f"member{number}@example.com" for number in range(3)]

        page = text_of(self.look(browser(alice), people="\n".join([*lines, "dora@example.com", "x"])))

        assert "2 quotas change" in page
        assert "1 member0@example.com as it is 10 s" in page
        assert "2 member1@example.com changed 5 s → 10 s" in page
        assert "3 member2@example.com new 10 s" in page
        assert "4 dora@example.com not a member yet" in page
        assert "5 x left out There is no email address in this line." in page
        assert quotas() == {"member0": 10 * SECOND, "member1": 5 * SECOND}

    def test_a_long_list_shows_first_what_somebody_has_to_look_at(self, browser, alice, people, monkeypatch):
        monkeypatch.setattr("quotas.assign_views.MOST_SHOWN", 2)
        lines = [f"member{number}@example.com" for number in range(3)]

        answer = self.look(browser(alice), people="\n".join([*lines, "x"]))

        assert [each.line.text for each in answer.context["preview"]["entries"]] == ["x", "member0@example.com"]
        assert "3 quotas change" in text_of(answer)
        assert "2 more lines are like these." in text_of(answer)

    def test_strangers_can_be_invited_with_the_list_filled_in(self, browser, alice):
        answer = self.look(browser(alice), people="dora@example.com\nemil@example.com")

        assert "Invite 2 people" in text_of(answer)
        assert answer.context["preview"]["people_to_invite"] == "dora@example.com\nemil@example.com"

    def test_a_file_is_read_too_and_what_was_exported_is_read_back(self, browser, alice, people, assign):
        assign(people[0], 10 * SECOND)
        client = browser(alice)
        exported = b"".join(client.get(f"{QUOTAS}.csv").streaming_content).decode()

        file = SimpleUploadedFile("quotas.csv", exported.replace("10 s", "20 s").encode("utf-8-sig"))
        entries = self.look(client, quota="", file=file).context["preview"]["entries"]

        (entry,) = entries
        assert (entry.assignment.quota_ns, entry.assignment.outlook) == (20 * SECOND, "changed")
        assert entry.assignment.window == entry.assignment.policy.window

    @pytest.mark.parametrize(
        ("data", "field", "words"),
        [
            ({"people": " "}, "people", "at least one"),
            ({"people": "a@example.com\n" * 10_001}, "people", "more than 10000"),
            ({"whom": "everybody", "quota": ""}, "quota", "Say how much"),
            ({"whom": "everybody", "quota": "10"}, "quota", "10 of what?"),
            ({"whom": "me"}, "whom", "valid choice"),
            ({"people": "bob@example.com", "first": "2027-02-01", "last": "2027-01-01"}, "last", "before"),
            ({"people": "bob@example.com", "last": "2020-01-01"}, "last", "The end must be after the start."),
            ({"file": SimpleUploadedFile("x.csv", b"\xff\xfe")}, "file", "UTF-8"),
            ({"file": SimpleUploadedFile("x.csv", b"x" * 800_001)}, "file", "too large"),
        ],
    )
    def test_mistakes_stand_next_to_the_field(self, browser, alice, bob, data, field, words):
        answer = self.look(browser(alice), **data)

        assert words in " ".join(answer.context["form"].errors[field])
        assert answer.context["preview"] is None

    @pytest.mark.parametrize(
        ("whom", "expected"), [("without", ["alice", "member1", "member2"]), ("everybody", ["alice", "member0"])]
    )
    def test_it_can_be_for_everybody_of_a_kind(self, browser, alice, people, assign, whom, expected):
        assign(people[0], 5)

        entries = self.look(browser(alice), whom=whom).context["preview"]["entries"]

        assert [each.line.email.partition("@")[0] for each in entries][: len(expected)] == expected

    def test_it_can_be_for_those_who_are_ticked(self, browser, alice, people, charlie):
        answer = self.look(browser(alice), member=[people[0].pk, people[2].pk, charlie.pk, "x"])

        assert [each.line.email for each in answer.context["preview"]["entries"]] == [
            "member0@example.com",
            "member2@example.com",
        ]


class TestApply:
    def apply(self, client, **data):
        return client.post(f"{QUOTAS}/assign/apply", {"whom": "list", "quota": "10 s"} | data, follow=True)

    def test_it_sets_all_quotas(self, browser, alice, people):
        answer = self.apply(browser(alice), people="\n".join(f"member{number}@example.com" for number in range(3)))

        assert quotas() == {f"member{number}": 10 * SECOND for number in range(3)}
        assert "3 quotas are set." in text_of(answer)
        assert answer.redirect_chain == [(QUOTAS, 302)]

    def test_a_file_of_the_largest_size_comes_back_from_its_preview(self, browser, alice, people):
        filling = "\n".join(f"{'x' * 150}{number:04}@example.com;;;;;;;" for number in range(4700))

        answer = self.apply(browser(alice), people=f"{filling}\nmember0@example.com")

        assert len(filling) > 790_000
        assert "1 quota is set." in text_of(answer)

    def test_days_hold_for_all(self, browser, alice, people):
        self.apply(browser(alice), people="member0@example.com", first="2027-01-01", last="2027-01-31")

        policy = TimeQuotaPolicy.objects.get()
        assert policy.ends_at - policy.starts_at == timedelta(days=31)

    def test_lines_with_mistakes_come_back(self, browser, alice, people):
        answer = self.apply(browser(alice), people="member0@example.com\nx\ndora@example.com")

        assert quotas() == {"member0": 10 * SECOND}
        assert answer.context["form"]["people"].value() == "x\ndora@example.com"
        assert "1 quota is set." in text_of(answer)

    def test_the_preview_posts_what_it_shows(self, browser, alice, people):
        client = browser(alice)
        page = client.post(
            f"{QUOTAS}/assign",
            {"whom": "without", "people": "", "quota": "90 s", "first": "2027-01-01", "last": "2027-01-31"},
        ).content.decode()
        (form,) = re.findall(r'<form method="post" action="[^"]*/assign/apply"[^>]*>(.*?)</form>', page, re.DOTALL)

        self.apply(client, **dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)))

        assert quotas() == dict.fromkeys(["alice", "member0", "member1", "member2"], 90 * SECOND)
        assert {policy.starts_at for policy in TimeQuotaPolicy.objects.all()} == {datetime(2027, 1, 1, tzinfo=UTC)}

    def test_who_has_left_meanwhile_is_a_stranger_now(self, browser, alice, people):
        remove_member(membership=people[0], by=alice)

        answer = self.apply(browser(alice), people="member0@example.com\nmember1@example.com")

        assert quotas() == {"member1": 10 * SECOND}
        assert "member0@example.com not a member yet" in text_of(answer)


class TestRemovingAll:
    def test_it_asks_first_and_then_removes_everybodys_but_not_the_groups(self, lab_token, alice, bob, assign, browser):
        for member in (None, alice, bob):
            assign(member, SECOND)
        page = browser(alice)

        asked = page.post(f"{QUOTAS}/remove", {"whom": "everybody"}).content.decode()
        assert "Remove 2 quotas?" in asked
        assert TimeQuotaPolicy.objects.count() == 3

        page.post(f"{QUOTAS}/remove", {"whom": "everybody", "confirmed": "yes"})
        assert TimeQuotaPolicy.objects.get().member is None

    def test_where_nobody_has_one_there_is_nothing_to_ask(self, lab_token, alice, browser):
        answer = browser(alice).post(f"{QUOTAS}/remove", {"whom": "everybody"}, follow=True)

        assert "Nobody has a quota." in answer.content.decode()
