"""Reading quotas; assigning, changing and removing them have files of their own."""

import pytest
from rest_framework.test import APIClient

from quotas import services
from tests.conftest import SECRET, join
from tokens.services import upload_token

from .conftest import LAB

pytestmark = pytest.mark.django_db

QUOTAS = f"{LAB}/quotas"
GROUP = f"{LAB}/quotas/group"
BOBS = f"{LAB}/quotas/users/bob@example.com"
ALL = [QUOTAS, GROUP, BOBS]


class TestOne:
    def test_an_admin_sees_the_groups_with_what_is_used(self, assign, reserve, alice, bob, now, api):
        policy = assign(None, 100)
        services.settle(usage=reserve(bob, 20), access_time_ns=15, now=now)
        reserve(bob, 10)
        answer = api(alice).get(GROUP)
        assert answer.status_code == 200
        assert answer.json() == {
            "id": policy.pk,
            "subject": "group",
            "user": None,
            "quota_ns": 100,
            "used_ns": 15,
            "reserved_ns": 10,
            "left_ns": 75,
            "starts_at": policy.starts_at.isoformat().replace("+00:00", "Z"),
            "ends_at": policy.ends_at.isoformat().replace("+00:00", "Z"),
        }

    def test_an_admin_sees_a_members(self, assign, alice, bob, api):
        assign(None, 100)
        assign(bob, 50)
        assert api(alice).get(BOBS).json()["quota_ns"] == 50

    @pytest.mark.parametrize("path", [GROUP, BOBS])
    def test_none_is_a_404_that_says_so(self, lab_token, alice, bob, api, path):
        answer = api(alice).get(path)
        assert (answer.status_code, answer.json()["message"]) == (404, "No quota is set here.")

    def test_what_is_left_is_never_negative(self, assign, reserve, alice, bob, now, api):
        assign(None, 100)
        services.settle(usage=reserve(bob, 100), access_time_ns=130, now=now)
        assert api(alice).get(GROUP).json()["left_ns"] == 0

    @pytest.mark.parametrize(
        "email",
        ["charlie@example.com", "nobody@example.com", "bob", "@", "bob%40example.com%00", "b%0Aob@example.com", "é@é"],
    )
    def test_addresses_of_nobody_are_not_there(self, lab_token, alice, charlie, api, email):
        assert api(alice).get(f"{QUOTAS}/users/{email}").status_code == 404

    def test_it_takes_a_few_queries(self, assign, alice, bob, api, django_assert_num_queries):
        """The key, the token, the member and the policy."""
        assign(bob, 100)
        client = api(alice)
        client.get(BOBS)
        with django_assert_num_queries(4):
            client.get(BOBS)


class TestList:
    def test_it_has_the_groups_and_everybodys(self, assign, alice, bob, api):
        policies = [assign(whom, 10) for whom in (bob, None, alice)]
        answer = api(alice).get(QUOTAS).json()
        assert [row["id"] for row in answer["results"]] == [policy.pk for policy in policies]
        assert [row["user"] for row in answer["results"]] == ["bob@example.com", None, "alice@example.com"]
        assert answer["next"] is answer["previous"] is None

    def test_it_has_nothing_of_other_tokens(self, assign, alice, charlie, api):
        second = upload_token(scope="group", provider="dwave", name="second", secret=SECRET, by=alice)
        foreign = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        assign(None, 10, token=second)
        assign(None, 10, token=foreign, by=charlie)
        assert api(alice).get(QUOTAS).json()["results"] == []

    @pytest.mark.parametrize(("search", "found"), [("BOB@", 1), ("example.com", 2), ("%", 0), ("_", 0), ("nobody", 0)])
    def test_it_can_be_searched_by_address(self, assign, alice, bob, api, search, found):
        for whom in (None, alice, bob):
            assign(whom, 10)
        assert len(api(alice).get(QUOTAS, {"search": search}).json()["results"]) == found

    def test_it_comes_in_pages(self, assign, alice, api):
        policies = [assign(join("Acme", f"m{number}@example.com", "member"), 10) for number in range(5)]
        client, ids, url = api(alice), [], f"{QUOTAS}?limit=2"
        while url:
            page = client.get(url).json()
            assert len(page["results"]) <= 2
            ids += [row["id"] for row in page["results"]]
            url = page["next"]
        assert ids == [policy.pk for policy in policies]

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"search": "\0"}])
    def test_nonsense_is_refused(self, lab_token, alice, api, query):
        assert api(alice).get(QUOTAS, query).status_code == 422

    def test_it_takes_as_many_queries_for_many_as_for_few(self, assign, alice, api, django_assert_num_queries):
        """The key, the token and the policies with their members."""
        client = api(alice)
        client.get(QUOTAS)
        for number in range(20):
            assign(join("Acme", f"m{number}@example.com", "member"), 10)
            if number in {0, 19}:
                with django_assert_num_queries(3):
                    client.get(QUOTAS)


class TestDoors:
    @pytest.mark.parametrize("path", ALL)
    def test_members_may_not_look(self, assign, bob, api, path):
        """What applies to themselves they see at can-run."""
        assign(None, 10)
        assign(bob, 10)
        assert api(bob).get(path).status_code == 403

    @pytest.mark.parametrize("path", ALL)
    def test_strangers_find_nothing(self, assign, bob, charlie, api, path):
        assign(None, 10)
        assign(bob, 10)
        assert api(charlie).get(path).status_code == 404

    @pytest.mark.parametrize("path", ALL)
    def test_nobody_else_comes_in(self, lab_token, path):
        assert APIClient().get(path).status_code == 401

    @pytest.mark.parametrize("path", ALL)
    @pytest.mark.parametrize(("scopes", "status"), [(["read"], 200), (["run"], 403), (["manage"], 403)])
    def test_a_key_needs_the_scope_to_read(self, assign, alice, bob, api, path, scopes, status):
        assign(None, 10)
        assign(bob, 10)
        assert api(alice, scopes=scopes).get(path).status_code == status

    @pytest.mark.parametrize("path", ALL)
    def test_a_browser_may_ask_too(self, assign, alice, bob, browser, path):
        assign(None, 10)
        assign(bob, 10)
        assert browser(alice).get(path).status_code == 200

    def test_personal_tokens_have_none(self, alice, api):
        upload_token(scope="personal", provider="dwave", name="lab", secret=SECRET, by=alice)
        assert api(alice).get(QUOTAS.replace("/group/", "/personal/")).status_code == 404
