"""Where somebody belongs: the list, their own membership, and the first page."""

from organizations.permissions import Role, Scope

from .conftest import ACME, add_member, add_user

URL = "/api/v1/organizations"


class TestApi:
    def test_a_session_sees_all_of_them(self, browser, bob):
        add_member("bob@example.com", organization="Initech", role=Role.ADMIN)
        listed = browser(bob).get(URL).json()
        assert [(one["slug"], one["role"]) for one in listed] == [("acme", "member"), ("initech", "admin")]

    def test_a_key_sees_its_own(self, api, bob):
        add_member("bob@example.com", organization="Initech")
        assert [one["slug"] for one in api(bob).get(URL).json()] == ["acme"]

    def test_it_tells_what_the_key_may_do(self, api, alice):
        (listed,) = api(alice, scopes=[Scope.RUN]).get(URL).json()
        assert listed["permissions"] == ["use_tokens"]

    def test_nobody_sees_those_of_others(self, api, acme, charlie):
        assert [one["slug"] for one in api(charlie).get(URL).json()] == ["globex"]


class TestMyMembership:
    def test_it_tells_role_and_rights(self, api, browser, alice, bob):
        assert browser(alice).get(f"{ACME}/membership").json()["role"] == "admin"
        rights = api(bob, scopes=[Scope.READ]).get(f"{ACME}/membership").json()["permissions"]
        assert "view_tokens" in rights
        assert "manage_own_tokens" not in rights
        assert "view_members" not in rights


class TestHome:
    def test_with_one_it_leads_there(self, browser, bob):
        assert browser(bob).get("/")["Location"] == "/o/acme"

    def test_with_several_it_lets_choose(self, browser, bob):
        add_member("bob@example.com", organization="Initech")
        page = browser(bob).get("/").content.decode()
        assert '"/o/acme"' in page
        assert '"/o/initech"' in page

    def test_with_none_it_says_how_to_get_in(self, client, db):
        client.force_login(add_user("dora@example.com"))
        assert "ask its admin to invite dora@example.com" in client.get("/").content.decode()


class TestSwitcher:
    """On every page of an organization, the way to the others."""

    def switcher(self, page) -> str:
        return page.content.decode().partition('aria-label="Organizations"')[2].partition("</nav>")[0]

    def test_it_leads_to_my_organizations_and_to_a_new_one(self, browser, bob, charlie):
        add_member("bob@example.com", organization="Initech")
        for path in ("/o/acme", "/o/acme/keys/new"):
            menu = self.switcher(browser(bob).get(path))
            assert '<a href="/o/acme" aria-current="true">Acme</a>' in menu
            assert '<a href="/o/initech">Initech</a>' in menu
            assert '"/organizations/new"' in menu
            assert "Globex" not in menu

    def test_where_sign_up_is_by_invitation_it_leads_to_no_new_one(self, browser, bob, settings):
        settings.SIGNUP = "invited"
        assert "/organizations/new" not in self.switcher(browser(bob).get("/o/acme"))
