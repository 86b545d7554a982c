from datetime import timedelta

import pytest
from django.db import connection
from rest_framework.test import APIClient

from organizations.services import remove_member
from quotas import services
from quotas.models import Usage
from tests.conftest import SECRET, join
from tokens.services import upload_token

pytestmark = pytest.mark.django_db

USAGE = "/api/v1/organizations/acme/usage"
EVERYBODYS = {"of": "organization"}


def ids(answer):
    assert answer.status_code == 200
    return [row["id"] for row in answer.json()["results"]]


class TestMine:
    def test_it_lists_my_jobs_newest_first(self, reserve, alice, bob, bobs_token, api):
        first = reserve(bob, 10)
        reserve(alice, 10)
        second = reserve(bob, 10, token=bobs_token)
        assert ids(api(bob).get(USAGE)) == [second.pk, first.pk]

    def test_a_row_says_what_the_job_took(self, assign, reserve, lab_token, bob, now, api):
        assign(None, 1000)
        usage = reserve(bob, 40, solver="Advantage_system6.4")
        open_row = {
            "id": usage.pk,
            "status": "reserved",
            "user_email": "bob@example.com",
            "token_id": lab_token.pk,
            "token_name": "lab",
            "source": "gateway",
            "solver": "Advantage_system6.4",
            "estimate_ns": 40,
            "access_time_ns": None,
            "created_at": now.isoformat().replace("+00:00", "Z"),
            "closed_at": None,
        }
        assert api(bob).get(USAGE).json()["results"] == [open_row]
        services.settle(usage=usage, access_time_ns=39, now=now)
        settled = {"status": "settled", "access_time_ns": 39, "closed_at": open_row["created_at"]}
        assert api(bob).get(USAGE).json()["results"] == [open_row | settled]

    def test_my_jobs_in_other_organizations_are_not_here(self, reserve, bob, charlie, api):
        theirs = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        elsewhere = join("Globex", "bob@example.com", "member")
        reserve(elsewhere, 10, token=theirs)
        assert ids(api(bob).get(USAGE)) == []
        assert len(ids(api(elsewhere).get(USAGE.replace("/acme/", "/globex/")))) == 1


class TestEverybodys:
    def test_an_admin_sees_everybodys_jobs_on_group_tokens(self, reserve, alice, bob, api):
        jobs = [reserve(alice, 10), reserve(bob, 10)]
        assert ids(api(alice).get(USAGE, EVERYBODYS)) == [job.pk for job in reversed(jobs)]

    def test_what_people_do_with_their_own_tokens_is_theirs(self, reserve, alice, bob, bobs_token, api):
        reserve(bob, 10, token=bobs_token)
        assert ids(api(alice).get(USAGE, EVERYBODYS)) == []

    def test_jobs_of_other_organizations_are_out_of_reach(self, reserve, alice, charlie, api):
        theirs = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        reserve(charlie, 10, token=theirs)
        assert ids(api(alice).get(USAGE, EVERYBODYS)) == []
        assert ids(api(alice).get(USAGE, EVERYBODYS | {"user": "charlie@example.com"})) == []

    def test_who_left_is_still_on_record(self, reserve, alice, bob, api):
        usage = reserve(bob, 10)
        remove_member(membership=bob, by=alice)
        assert ids(api(alice).get(USAGE, EVERYBODYS | {"user": "bob@example.com"})) == [usage.pk]


class TestFilters:
    @pytest.fixture
    def jobs(self, alice, bob, reserve, now):
        """By name; all on group tokens of Acme's."""
        other = upload_token(scope="group", provider="dwave", name="caf\u00e9", secret=SECRET, by=alice)
        hour = timedelta(hours=1)
        jobs = {
            "alices": reserve(alice, 10, now=now - 3 * hour),
            "settled": reserve(bob, 10, now=now - 2 * hour),
            "released": reserve(bob, 10, now=now - hour, source=Usage.Source.SOLVE_JOB),
            "other": reserve(bob, 10, now=now, token=other),
        }
        services.settle(usage=jobs["settled"], access_time_ns=9, now=now)
        services.release(usage=jobs["released"], now=now)
        return jobs

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, "other released settled alices"),
            ({"order": "id"}, "alices settled released other"),
            ({"user": "alice@example.com"}, "alices"),
            ({"user": "Alice@Example.COM"}, "alices"),
            ({"user": "nobody@example.com"}, ""),
            ({"token": "lab"}, "released settled alices"),
            ({"token": "caf\u00e9"}, "other"),
            ({"token": "cafe\u0301"}, "other"),
            ({"token": "LAB"}, ""),
            ({"status": "reserved"}, "other alices"),
            ({"status": "settled"}, "settled"),
            ({"status": "released"}, "released"),
            ({"source": "solve_job"}, "released"),
            ({"user": "bob@example.com", "token": "lab", "status": "settled"}, "settled"),
            ({"user": "", "token": "", "status": ""}, "other released settled alices"),
        ],
    )
    def test_they_narrow_the_list(self, jobs, alice, api, query, found):
        answer = ids(api(alice).get(USAGE, EVERYBODYS | query))
        assert answer == [jobs[name].pk for name in found.split()]

    def test_since_is_inclusive_and_until_is_not(self, jobs, alice, now, api):
        hour = timedelta(hours=1)
        window = {"since": (now - 2 * hour).isoformat(), "until": now.isoformat()}
        assert ids(api(alice).get(USAGE, EVERYBODYS | window)) == [jobs["released"].pk, jobs["settled"].pk]

    def test_they_work_on_my_own_jobs_too(self, jobs, bob, api):
        assert ids(api(bob).get(USAGE, {"status": "settled"})) == [jobs["settled"].pk]
        assert ids(api(bob).get(USAGE, {"user": "alice@example.com"})) == []

    @pytest.mark.parametrize(
        "query",
        [
            {"of": "all"},
            {"user": "nobody"},
            {"token": "x" * 513},
            {"token": "\0"},
            {"status": "open"},
            {"source": "x"},
            {"since": "yesterday"},
            {"until": "9999-12-31T23:59:59-12:00"},
            {"order": "created_at"},
            {"limit": "0"},
            {"limit": "501"},
        ],
    )
    def test_nonsense_is_refused(self, alice, api, query):
        answer = api(alice).get(USAGE, query)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, list(query))

    @pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD0xJm89LTE=", "\0"])
    def test_a_forged_cursor_leads_nowhere(self, jobs, alice, api, cursor):
        assert api(alice).get(USAGE, EVERYBODYS | {"cursor": cursor}).status_code in {404, 422}


class TestPages:
    @pytest.mark.parametrize("order", ["id", "-id"])
    def test_they_hold_every_job_once_also_while_new_ones_come(self, reserve, bob, api, order):
        jobs = [reserve(bob, 10).pk for _ in range(7)]
        client = api(bob)
        page = client.get(USAGE, {"limit": 3, "order": order}).json()
        reserve(bob, 10)
        seen = [row["id"] for row in page["results"]]
        while page["next"]:
            page = client.get(page["next"]).json()
            seen += [row["id"] for row in page["results"]]
        assert seen[:7] == (jobs if order == "id" else jobs[::-1])
        assert len(seen) == len(set(seen))

    @pytest.mark.parametrize("order", ["id", "-id"])
    def test_they_hold_every_job_of_some_days_once(self, reserve, bob, now, api, order):
        moments = [now + timedelta(seconds=number // 3) for number in range(8)]  # of a batch all have the same
        jobs = [reserve(bob, 10, now=moment).pk for moment in moments]
        client = api(bob)

        page = client.get(USAGE, {"limit": 2, "order": order, "since": now.isoformat()}).json()
        seen = [row["id"] for row in page["results"]]
        while page["next"]:
            page = client.get(page["next"]).json()
            seen += [row["id"] for row in page["results"]]

        assert seen == (jobs if order == "id" else jobs[::-1])

    def test_the_next_page_keeps_the_filters(self, reserve, bob, api):
        for _ in range(3):
            reserve(bob, 10)
        url = api(bob).get(USAGE, {"limit": 1, "status": "reserved"}).json()["next"]
        assert "status=reserved" in url
        assert "limit=1" in url


class TestCost:
    def test_it_takes_as_many_queries_for_many_as_for_few(self, reserve, alice, api, django_assert_num_queries):
        """The key and the jobs."""
        client = api(alice)
        client.get(USAGE)
        for number in range(20):
            reserve(alice, 10)
            if number in {0, 19}:
                with django_assert_num_queries(2):
                    client.get(USAGE)
                with django_assert_num_queries(2):
                    client.get(USAGE, EVERYBODYS)

    @pytest.mark.parametrize(
        ("look", "index"),
        [
            (lambda jobs, bob: jobs.of_member(bob), "usage_of_user"),
            (lambda jobs, bob: jobs.of_organization(bob), "usage_of_organization"),
            (lambda jobs, bob: jobs.of_organization(bob).filter(user_email="x"), "usage_of_organization_user"),
            (lambda jobs, bob: jobs.of_organization(bob).filter(token_name="x"), "usage_of_organization_token"),
        ],
    )
    def test_indexes_find_the_rows_of_a_page_in_order(self, bob, look, index):
        """The jobs of other organizations, members and tokens are many, and cost nothing."""
        now = bob.created_at
        Usage.objects.bulk_create(
            Usage(
                organization_id=10_000 + number % 50 if number % 50 else bob.organization_id,
                user_id=10_000 + number % 50,
                user_email=f"user{number % 50}@example.com",
                token_id=1,
                token_name="lab",
                source="gateway",
                estimate_ns=1,
                created_at=now,
            )
            for number in range(5_000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE quotas_usage")
        plan = look(Usage.objects, bob).order_by("-id")[:51].explain()
        assert f"{index} " in plan
        assert "Seq Scan" not in plan
        assert "SCAN" not in plan


class TestDoors:
    def test_members_see_only_their_own(self, reserve, alice, bob, api):
        reserve(alice, 10)
        assert ids(api(bob).get(USAGE)) == []
        assert api(bob).get(USAGE, EVERYBODYS).status_code == 403

    @pytest.mark.parametrize("query", [{}, EVERYBODYS])
    def test_strangers_find_nothing(self, alice, charlie, api, query):
        assert api(charlie).get(USAGE, query).status_code == 404

    def test_nobody_else_comes_in(self, alice):
        assert APIClient().get(USAGE).status_code == 401

    @pytest.mark.parametrize(("scopes", "status"), [(["read"], 200), (["run"], 403), (["manage"], 403)])
    def test_a_key_needs_the_scope_to_read(self, alice, api, scopes, status):
        client = api(alice, scopes=scopes)
        assert client.get(USAGE).status_code == client.get(USAGE, EVERYBODYS).status_code == status

    def test_a_browser_may_ask_too(self, alice, browser):
        assert browser(alice).get(USAGE, EVERYBODYS).status_code == 200

    def test_nothing_can_be_written(self, alice, api):
        for method in ("post", "put", "patch", "delete"):
            assert getattr(api(alice), method)(USAGE).status_code == 405
