"""/api/v1/organizations/<organization>/qpu-tokens/…"""

import pytest

from audit.models import Event
from organizations.models import Organization, Plan
from tests.conftest import SECRET
from tokens.models import QpuToken
from tokens.services import upload_token

URL = "/api/v1/organizations/acme/qpu-tokens"
LAB = f"{URL}/group/lab"
MINE = f"{URL}/personal/mine"
NEW = {"scope": "group", "provider": "dwave", "name": "new", "token": SECRET}
KEYS = {
    *("id", "scope", "name", "provider", "endpoint", "takes_quotas"),
    *("created_at", "secret_changed_at", "tested_at", "works"),
}


def names(answer):
    assert answer.status_code == 200
    return [token["name"] for token in answer.json()["results"]]


class TestUpload:
    @pytest.mark.parametrize("scope", ["personal", "group"])
    def test_it_answers_everything_but_the_secret(self, api, alice, scope):
        answer = api(alice).post(URL, NEW | {"scope": scope}, format="json")
        assert answer.status_code == 201
        assert set(answer.json()) == {*KEYS, "test", "same_secret_as"}
        assert answer.json()["takes_quotas"] is (scope == "group")
        assert SECRET not in answer.content.decode()
        assert QpuToken.objects.get().secret == SECRET

    def test_it_warns_of_a_secret_that_is_there_already(self, api, alice, lab_token):
        assert api(alice).post(URL, NEW, format="json").json()["same_secret_as"] == ["lab"]

    def test_it_does_not_tell_members_of_the_group_s_secrets(self, api, bob, lab_token):
        answer = api(bob).post(URL, NEW | {"scope": "personal"}, format="json")
        assert answer.json()["same_secret_as"] == []

    def test_a_name_in_use_is_409(self, api, alice, lab_token):
        assert api(alice).post(URL, NEW | {"name": "lab"}, format="json").status_code == 409

    @pytest.mark.parametrize("wrong", [{"scope": "shared"}, {"provider": "x"}, {"name": "a/b"}, {"token": ""}])
    def test_nonsense_is_422(self, api, alice, wrong):
        answer = api(alice).post(URL, NEW | wrong, format="json")
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == set(wrong)
        assert not QpuToken.objects.exists()

    def test_members_upload_their_own_only(self, api, bob):
        assert api(bob).post(URL, NEW, format="json").status_code == 403
        assert api(bob).post(URL, NEW | {"scope": "personal"}, format="json").status_code == 201

    def test_a_plan_without_group_tokens_is_named(self, api, alice):
        Organization.objects.update(plan=Plan.BASIC)
        answer = api(alice).post(URL, NEW, format="json")
        assert answer.status_code == 403
        assert "basic plan" in answer.json()["message"]

    def test_strangers_find_nothing(self, api, alice, charlie):
        assert api(charlie).post(URL, NEW, format="json").status_code == 404


class TestList:
    @pytest.fixture
    def tokens(self, alice, bob, charlie, lab_token, bobs_token):
        for scope, provider, name in [("group", "ibm", "a_b"), ("personal", "ibm", "Lab notes")]:
            upload_token(scope=scope, provider=provider, name=name, secret=SECRET, by=alice)
        upload_token(scope="group", provider="dwave", name="globex", secret=SECRET, by=charlie)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["lab", "a_b", "Lab notes"]),
            ("scope=group", ["lab", "a_b"]),
            ("scope=personal", ["Lab notes"]),
            ("provider=ibm", ["a_b", "Lab notes"]),
            ("search=LAB", ["lab", "Lab notes"]),
            ("search=%25", []),
            ("search=_", ["a_b"]),
            ("search=globex", []),
            ("search=lab&scope=group&provider=dwave", ["lab"]),
            ("order=-id", ["Lab notes", "a_b", "lab"]),
        ],
    )
    def test_it_finds(self, api, alice, tokens, query, found):
        assert names(api(alice).get(f"{URL}?{query}")) == found

    def test_each_sees_their_own_and_the_group_s(self, api, browser, bob, tokens):
        assert names(api(bob).get(URL)) == names(browser(bob).get(URL)) == ["lab", "mine", "a_b"]

    def test_it_says_nothing_of_secrets(self, api, alice, tokens):
        answer = api(alice).get(URL)
        assert set(answer.json()["results"][0]) == KEYS
        assert SECRET not in answer.content.decode()

    @pytest.mark.parametrize("order", ["id", "-id", "name", "-name"])
    def test_pages_hold_everything_once(self, api, alice, order):
        for number in range(7):
            for scope in ("group", "personal"):  # the same names in both
                upload_token(scope=scope, provider="ibm", name=f"{number}", secret=SECRET, by=alice)
        client, url, seen = api(alice), f"{URL}?limit=3&order={order}", []
        while url:
            page = client.get(url).json()
            seen += [(token["scope"], token["name"]) for token in page["results"]]
            url = page["next"]
        assert sorted(seen) == sorted((scope, f"{number}") for scope in ("group", "personal") for number in range(7))
        keys = [name for _, name in seen] if "name" in order else []
        assert keys == sorted(keys, reverse=order.startswith("-"))

    @pytest.mark.parametrize(
        "query", ["scope=shared", "provider=x", "order=secret", "limit=0", "limit=501", "limit=x", "search=%00"]
    )
    def test_nonsense_is_422(self, api, alice, query):
        assert api(alice).get(f"{URL}?{query}").status_code == 422

    def test_strangers_find_nothing(self, api, alice, charlie):
        assert api(charlie).get(URL).status_code == 404

    @pytest.mark.parametrize("tokens", [1, 40])
    def test_it_takes_two_queries_whatever_there_is(self, api, alice, django_assert_num_queries, tokens):
        for number in range(tokens):
            upload_token(scope="group", provider="dwave", name=f"{number}", secret=SECRET, by=alice)
        client = api(alice)
        client.get(URL)  # notes the use of the key
        with django_assert_num_queries(2) as queries:
            client.get(URL)
        assert not any('"secret"' in query["sql"] for query in queries)  # and decrypts nothing


class TestOne:
    def test_it_can_be_seen(self, api, alice, bob, lab_token):
        for member in (alice, bob):
            answer = api(member).get(LAB)
            assert answer.status_code == 200
            assert set(answer.json()) == KEYS

    def test_it_can_be_renamed(self, api, alice, lab_token):
        assert api(alice).patch(LAB, {"name": "new"}, format="json").json()["name"] == "new"

    def test_it_can_be_deleted(self, api, alice, lab_token):
        assert api(alice).delete(LAB).status_code == 204
        assert api(alice).get(LAB).status_code == 404

    def test_its_secret_can_be_replaced(self, api, alice, lab_token):
        answer = api(alice).put(f"{LAB}/secret", {"token": "a-new-secret"}, format="json")
        assert answer.status_code == 200
        assert set(answer.json()) == {*KEYS, "test"}
        assert answer.json()["secret_changed_at"] > answer.json()["created_at"]
        assert QpuToken.objects.get().secret == "a-new-secret"

    @pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": "a\nb"}, {"secret": "x"}])
    def test_a_secret_that_is_none_is_422(self, api, alice, lab_token, body):
        assert api(alice).put(f"{LAB}/secret", body, format="json").status_code == 422
        assert QpuToken.objects.get().secret == SECRET

    def test_its_secret_cannot_be_had(self, api, alice, lab_token):
        answer = api(alice).get(f"{LAB}/secret")
        assert answer.status_code == 405

    def test_its_owner_does_all_that(self, api, bob, bobs_token):
        client = api(bob)
        assert client.put(f"{MINE}/secret", {"token": "another"}, format="json").status_code == 200
        assert client.patch(MINE, {"name": "mine"}, format="json").status_code == 200
        assert client.delete(MINE).status_code == 204


class TestOutOfReach:
    CALLS = [
        ("get", "", None),
        ("patch", "", {"name": "x"}),
        ("put", "/secret", {"token": "x"}),
        ("post", "/test", None),
        ("delete", "", None),
    ]

    def test_members_only_look_at_group_tokens(self, api, bob, lab_token):
        for method, rest, body in self.CALLS:
            answer = getattr(api(bob), method)(LAB + rest, body, format="json")
            assert answer.status_code == (200 if method == "get" else 403)

    def test_others_find_nothing(self, api, alice, charlie, lab_token, bobs_token):
        before = Event.objects.filter(target_type="tokens.QpuToken").count()
        for member, url in [(alice, MINE), (charlie, LAB), (charlie, LAB.replace("acme", "globex"))]:
            for method, rest, body in self.CALLS:
                assert getattr(api(member), method)(url + rest, body, format="json").status_code == 404
        assert Event.objects.filter(target_type="tokens.QpuToken").count() == before

    def test_a_token_says_whether_it_takes_quotas(self, api, alice):
        for provider in ("dwave", "ibm", "qctrl", "aws"):
            token = upload_token(scope="group", provider=provider, name=provider, secret=SECRET, by=alice)
            assert token.takes_quotas is (provider == "dwave")


class TestOperatorsAdmin:
    @pytest.fixture
    def operator(self, admin_client, settings):
        settings.REQUIRE_STAFF_MFA = False
        return admin_client

    def test_it_finds_tokens_and_shows_no_secret(self, operator, lab_token, bobs_token):
        ciphertexts = QpuToken.objects.raw("SELECT id, secret AS raw FROM tokens_qputoken")
        hidden = {SECRET, lab_token.secret_digest, *(token.raw for token in ciphertexts)}
        for url in [
            "/admin/tokens/qputoken/?q=lab",
            "/admin/tokens/qputoken/?q=bob@example.com",
            f"/admin/tokens/qputoken/{lab_token.pk}/change/",
        ]:
            page = operator.get(url)
            assert page.status_code == 200
            assert not any(secret in page.content.decode() for secret in hidden)

    def test_it_changes_nothing(self, operator, lab_token):
        assert operator.get("/admin/tokens/qputoken/add/").status_code == 403
        assert operator.post(f"/admin/tokens/qputoken/{lab_token.pk}/delete/", {"post": "yes"}).status_code == 403
