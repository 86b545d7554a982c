"""Names of tokens and emails of people, as they come in bodies and in paths: the SDK does not escape them."""

from urllib.parse import quote

import pytest

from accounts.models import User
from organizations.permissions import Role
from tests.conftest import SECRET, join
from tests.tokens.test_names import BAD, GOOD
from tokens.models import QpuToken

QUOTA = {"quota": 5, "start": None, "end": None}
# What httpx leaves as it is in a path; it escapes all else but %, ?, # and /, which no name may have.
UNESCAPED_BY_HTTPX = "!$&'()*+,;=:@[]^|~-._"


def as_the_sdk_does(name):
    return quote(name, safe=UNESCAPED_BY_HTTPX)


def all_escaped(name):
    return quote(name, safe="")


@pytest.mark.parametrize("in_path", [as_the_sdk_does, all_escaped])
@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_works_everywhere(luna, alice, bob, name, in_path):
    client, path = luna(alice), f"/qpu-tokens/shared/{in_path(name)}"
    created = client.post("/qpu-tokens/shared", {"name": name, "provider": "dwave", "token": SECRET})
    assert created.status_code == 201
    assert created.json() == {"name": name, "provider": "dwave"}
    assert client.get(path).json() == created.json()
    assert client.get("/qpu-tokens").json()["shared"][0]["name"] == name
    for quota in [
        f"/qpu-tokens/shared/quota/group/{in_path(name)}",
        f"/qpu-tokens/shared/quota/user/{in_path(name)}/bob@example.com",
    ]:
        assert client.get(quota).json() is None
        assert client.post(quota, QUOTA).status_code == 201
        assert client.patch(quota, QUOTA | {"quota": 6}).status_code == 200
        assert client.get(quota).json()["quota"] == 6
        assert client.delete(quota).status_code == 204
    assert client.patch(path, {"name": "another"}).json()["name"] == "another"
    renamed = client.patch("/qpu-tokens/shared/another", {"name": name})
    assert renamed.json()["name"] == name
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_is_refused_everywhere(luna, alice, lab_token, history, name):
    client = luna(alice)
    for scope in ("shared", "private"):
        body = {"name": name, "provider": "dwave", "token": SECRET}
        assert client.post(f"/qpu-tokens/{scope}", body).status_code == 422
    assert client.patch("/qpu-tokens/shared/lab", {"name": name}).status_code == 422
    in_path = quote(name.encode("utf-8", "surrogatepass"), safe="")
    for method in ("GET", "PATCH", "DELETE"):
        assert client.generic(method, f"/qpu-tokens/shared/{in_path}").status_code == 404
        assert client.generic(method, f"/qpu-tokens/shared/quota/group/{in_path}").status_code == 404
    assert history() == []
    assert QpuToken.objects.get().name == "lab"


@pytest.mark.parametrize("form", ["Z\u00fcrich", "Zu\u0308rich"])
def test_both_forms_of_an_umlaut_are_one_name(luna, alice, form):
    client = luna(alice)
    body = {"name": "Zu\u0308rich", "provider": "dwave", "token": SECRET}
    assert client.post("/qpu-tokens/private", body).json()["name"] == "Z\u00fcrich"
    assert client.post("/qpu-tokens/private", body | {"name": form}).status_code == 409
    assert client.get(f"/qpu-tokens/private/{quote(form)}").status_code == 200
    assert client.patch(f"/qpu-tokens/private/{quote(form)}", {"name": form}).json()["name"] == "Z\u00fcrich"


def test_a_plus_is_no_blank(luna, alice):
    client = luna(alice)
    client.post("/qpu-tokens/private", {"name": "a+b", "provider": "dwave", "token": SECRET})
    assert client.get("/qpu-tokens/private/a+b").status_code == 200
    assert client.get("/qpu-tokens/private/a%20b").status_code == 404


def test_names_differ_by_case(luna, alice):
    client = luna(alice)
    for name in ("lab", "Lab"):
        body = {"name": name, "provider": "dwave", "token": SECRET}
        assert client.post("/qpu-tokens/private", body).status_code == 201
    assert client.delete("/qpu-tokens/private/LAB").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/qpu-tokens",  # what httpx makes of /qpu-tokens/shared/..
        "/qpu-tokens/shared",  # ... of /qpu-tokens/shared/.
        "/qpu-tokens/shared/",  # the empty name
        "/qpu-tokens/shared/..",
        "/qpu-tokens/shared/%2e%2e",
        "/qpu-tokens/shared/lab/..",
        "/qpu-tokens/shared/..%2Fprivate%2Fmine",
        "/qpu-tokens/shared/a%2Fb",
        "/qpu-tokens/shared/quota/group/",
        "/qpu-tokens/shared/quota/user/lab/",
        "/qpu-tokens/shared/quota/user//alice@example.com",
    ],
)
def test_no_trick_of_paths_deletes_anything(luna, alice, lab_token, history, path):
    assert luna(alice).delete(path).status_code in {404, 405}
    assert history() == []


class TestEmails:
    URL = "/qpu-tokens/shared/quota/user/lab/"

    @pytest.mark.parametrize(
        ("email", "in_path"),
        [
            ("bob@example.com", "BOB@Example.COM"),
            ("bob@example.com", "bob%40example.com"),
            ("bob+qpu@example.com", "bob+qpu@example.com"),
            ("bob+qpu@example.com", "Bob%2BQPU@example.com"),
            ("o'neill_{x}=&^@example.com", "o'neill_%7Bx%7D=&^@example.com"),
        ],
    )
    def test_a_member_is_found(self, luna, alice, lab_token, email, in_path):
        member = join("Acme", email, Role.MEMBER)
        client = luna(alice)
        assert client.post(self.URL + in_path, QUOTA).status_code == 201
        assert client.get(self.URL + in_path).json()["quota"] == 5
        assert member.quotas.get().quota_ns == 5
        assert luna(member).get(self.URL + in_path).json()["quota"] == 5
        assert client.delete(self.URL + in_path).status_code == 204

    @pytest.mark.parametrize("name", ["lab", "no-such-token"])
    @pytest.mark.parametrize(
        "in_path",
        [
            "charlie@example.com",  # of another organization
            "nobody@example.com",
            "dora@example.com",  # known to the portal, but nowhere a member
            "b%C3%B6b@example.com",
            "bob%20qpu@example.com",
            "bob",
            "@",
            "bob@example.com%00",
            "bob@example.com%0A",
            "%ff@example.com",
            "bob%2Fqpu@example.com",
            "x" * 3_000 + "@example.com",
        ],
    )
    def test_all_others_are_404(self, luna, alice, bob, charlie, lab_token, history, in_path, name):
        User.objects.create_user("dora@example.com")
        join("Acme", "bob+qpu@example.com", Role.MEMBER)
        client, path = luna(alice), self.URL.replace("lab", name) + in_path
        assert client.get(path).status_code == 404
        assert client.post(path, QUOTA).status_code == 404
        assert client.patch(path, QUOTA).status_code == 404
        assert client.delete(path).status_code == 404
        assert history() == []
