import pytest

from organizations.models import Membership
from organizations.permissions import Role

from .conftest import ACME, add_member, add_user

URL = f"{ACME}/members"


def emails(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [member["email"] for member in response.json()["results"]]


class TestAccess:
    def test_admins_see_everybody(self, api, alice, bob):
        (row, _) = api(alice).get(URL).json()["results"]
        assert row.keys() == {"id", "email", "first_name", "last_name", "role", "created_at"}
        assert emails(api(alice).get(URL)) == ["alice@example.com", "bob@example.com"]
        assert api(alice).get(f"{URL}/{bob.pk}").json()["email"] == "bob@example.com"

    def test_members_do_not(self, api, alice, bob):
        assert api(bob).get(URL).status_code == 403
        assert api(bob).get(f"{URL}/{alice.pk}").status_code == 403

    def test_strangers_find_nothing(self, api, alice, charlie):
        assert api(charlie).get(URL).status_code == 404
        assert api(charlie).get(f"{URL}/{alice.pk}").status_code == 404

    def test_members_of_other_organizations_are_out_of_reach(self, api, alice, charlie):
        assert emails(api(alice).get(URL)) == ["alice@example.com"]
        assert api(alice).get(f"{URL}/{charlie.pk}").status_code == 404


class TestFilters:
    @pytest.fixture(autouse=True)
    def members(self, alice, bob):
        bob.user.first_name, bob.user.last_name = "Robert", "Tables"
        bob.user.save()
        add_member("zoe@lab.example.org", role=Role.ADMIN)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("search=BOB@", ["bob@example.com"]),
            ("search=robert", ["bob@example.com"]),
            ("search=tables", ["bob@example.com"]),
            ("search=lab.example", ["zoe@lab.example.org"]),
            ("search=nobody", []),
            ("search=%25", []),
            ("role=admin", ["alice@example.com", "zoe@lab.example.org"]),
            ("role=admin&search=zoe", ["zoe@lab.example.org"]),
            ("order=-email", ["zoe@lab.example.org", "bob@example.com", "alice@example.com"]),
            ("order=-id", ["zoe@lab.example.org", "bob@example.com", "alice@example.com"]),
        ],
    )
    def test_it_finds(self, api, alice, query, found):
        assert emails(api(alice).get(f"{URL}?{query}")) == found

    @pytest.mark.parametrize("query", ["role=owner", "order=password", "order=user__password", "limit=0", "limit=501"])
    def test_it_refuses_what_it_does_not_know(self, api, alice, query):
        response = api(alice).get(f"{URL}?{query}")
        assert response.status_code == 422
        assert response.json()["errors"].keys() == {query.partition("=")[0]}


class TestPages:
    @pytest.fixture
    def client(self, api, alice, acme):
        users = [add_user(f"user{number:03}@example.com") for number in range(120)]
        Membership.objects.bulk_create(Membership(user=user, organization=acme) for user in users)
        return api(alice)

    @staticmethod
    def walk(client, url, link):
        """The rows of all pages, from the first one on along `next` or from the last one on along `previous`."""
        pages = []
        while url:
            page = client.get(url).json()
            pages.append([row["email"] for row in page["results"]])
            url, last = page[link], url
        return pages, last

    @pytest.mark.parametrize("order", ["email", "-email", "id", "-id"])
    def test_they_show_everybody_once_in_both_directions(self, client, order):
        forth, last = self.walk(client, f"{URL}?order={order}&limit=50", "next")
        assert [len(page) for page in forth] == [50, 50, 21]
        everybody = [email for page in forth for email in page]
        assert len(set(everybody)) == 121
        if "email" in order:
            assert everybody == sorted(everybody, reverse=order.startswith("-"))

        back, _ = self.walk(client, last, "previous")
        assert back == forth[::-1]

    def test_who_comes_or_goes_meanwhile_shifts_nothing(self, client):
        first = client.get(f"{URL}?limit=50").json()
        add_member("aaron@example.com")
        Membership.objects.get(user__email=first["results"][10]["email"]).delete()

        second = client.get(first["next"]).json()
        assert second["results"][0]["email"] == "user049@example.com"

    def test_filters_go_with_the_links(self, client):
        page = client.get(f"{URL}?search=user01&limit=5").json()
        assert "search=user01" in page["next"]
        assert [row["email"][:6] for row in client.get(page["next"]).json()["results"]] == ["user01"] * 5
