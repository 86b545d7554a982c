"""People see their tokens, learn how to use them, and upload, test, change, replace and delete them in the browser."""

import re
from html import unescape

import pytest
from django.utils import timezone

from audit.models import Event
from quotas.services import assign_quota, reserve
from tests.conftest import SECRET
from tokens.models import QpuToken
from tokens.services import replace_secret, upload_token

TOKENS = "/o/acme/tokens"
LAB, MINE = f"{TOKENS}/group/lab", f"{TOKENS}/personal/mine"
OTHER_SECRET = "DEV-another-0123456789abcdef-secret"

pytestmark = pytest.mark.usefixtures("dwave")


def text_of(answer):
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def shown(answer):
    return [token.name for token in answer.context["page"].rows]


def address_in(page):
    """Where the only group token in the list leads to."""
    (address,) = re.findall(r'<a href="(/o/acme/tokens/group/[^"]*)"', page)
    return unescape(address)


class TestList:
    def test_it_shows_my_tokens_and_the_groups(self, browser, alice, bob, charlie, lab_token, bobs_token):
        upload_token(scope="personal", provider="ibm", name="hers", secret=SECRET, by=alice)
        upload_token(scope="group", provider="dwave", name="theirs", secret=SECRET, by=charlie)

        assert shown(browser(bob).get(TOKENS)) == ["lab", "mine"]

    def test_it_says_what_is_left_and_whether_it_works(self, browser, alice, bob, lab_token, bobs_token):
        assign_quota(token=lab_token, member=bob, quota_ns=5 * 10**9, by=alice, now=timezone.now())
        QpuToken.objects.filter(pk=bobs_token.pk).update(works=False)

        page = text_of(browser(bob).get(TOKENS))

        assert "lab the group's D-Wave not tested 5 s" in page
        assert "mine yours alone D-Wave does not work no limit" in page

    def test_it_is_searched_and_sorted(self, browser, bob, lab_token, bobs_token):
        assert shown(browser(bob).get(f"{TOKENS}?search=IN")) == ["mine"]
        assert shown(browser(bob).get(f"{TOKENS}?order=-name")) == ["mine", "lab"]
        assert "No token fits." in text_of(browser(bob).get(f"{TOKENS}?search=x"))

    def test_an_empty_one_says_how_to_begin(self, browser, bob):
        assert "Upload your first token" in text_of(browser(bob).get(TOKENS))

    def test_names_find_their_way_into_addresses(self, browser, alice):
        name = "ünï \"<b>&+ o'clock"
        upload_token(scope="group", provider="dwave", name=name, secret=SECRET, by=alice)
        page = browser(alice).get(TOKENS).content.decode()

        answer = browser(alice).get(address_in(page))
        assert answer.context["token"].name == name
        assert "<b>" not in answer.content.decode()


class TestUpload:
    def upload(self, client, **data):
        data = {"scope": "group", "provider": "dwave", "name": "lab", "token": SECRET, "endpoint": ""} | data
        return client.post(f"{TOKENS}/new", data, follow=True)

    def test_it_keeps_the_token_and_says_whether_d_wave_accepts_it(self, browser, alice):
        page = text_of(self.upload(browser(alice)))

        token = QpuToken.objects.get()
        assert (token.name, token.scope, token.works) == ("lab", "group", True)
        assert "lab is uploaded." in page
        assert "D-Wave accepts this token" in page

    def test_a_wrong_token_is_kept_and_said_to_be_wrong(self, browser, alice):
        page = text_of(self.upload(browser(alice), token=OTHER_SECRET))

        assert QpuToken.objects.get().works is False
        assert "D-Wave does not accept this token" in page

    def test_it_tells_that_the_same_secret_is_there_already(self, browser, alice, lab_token):
        assert "The same secret is there already, as lab." in text_of(self.upload(browser(alice), name="again"))

    def test_others_never_learn_that_they_have_the_same_secret(self, browser, alice, charlie, bobs_token):
        upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)

        assert "The same secret" not in text_of(self.upload(browser(alice)))

    @pytest.mark.parametrize(
        ("data", "field", "words"),
        [
            ({"name": "a/b"}, "name", "A name cannot contain"),
            ({"name": "mine "}, "name", "cannot begin or end with a blank"),
            ({"name": ""}, "name", "This field is required."),
            ({"token": "ä"}, "token", "ASCII"),
            ({"provider": "acme"}, "provider", "Select a valid choice"),
            ({"endpoint": "https://evil.example.com/"}, "endpoint", "does not send tokens to this host"),
        ],
    )
    def test_what_is_wrong_stands_next_to_the_field_and_the_rest_is_kept(self, browser, alice, data, field, words):
        answer = self.upload(browser(alice), **({"name": "kept"} | data))

        assert words in " ".join(answer.context["form"].errors[field])
        assert data.get("name", "kept") in answer.content.decode()
        assert not QpuToken.objects.exists()

    def test_a_taken_name_is_said_beside_it(self, browser, alice, lab_token):
        answer = self.upload(browser(alice))

        assert "of this name already" in answer.context["form"].errors["name"][0]

    def test_a_secret_is_never_shown_again(self, browser, alice):
        answer = self.upload(browser(alice), name="a/b")

        assert SECRET not in answer.content.decode()

    def test_members_upload_for_themselves_whatever_they_send(self, browser, bob):
        assert 'name="scope"' not in browser(bob).get(f"{TOKENS}/new").content.decode()

        self.upload(browser(bob), scope="group")

        assert QpuToken.objects.get().owner == bob.user

    def test_a_basic_plan_has_personal_tokens_only(self, browser, alice):
        alice.organization.plan = "basic"
        alice.organization.save()

        page = text_of(browser(alice).get(f"{TOKENS}/new"))

        assert "the Basic plan has no group tokens" in page


class TestUse:
    def test_it_has_lines_to_copy(self, browser, bob, lab_token, settings):
        settings.PORTAL_URL = "https://qpu.example.com"
        snippets = browser(bob).get(LAB).context["snippets"]

        assert "DWAVE_API_ENDPOINT=https://qpu.example.com/dwave/shared/lab/sapi/v2\n" in snippets["shell"]
        assert "GroupQpuToken(name='lab')" in snippets["luna"]
        assert 'os.environ["LUNA_BASE_URL"] = "https://qpu.example.com"' in snippets["luna"]

    def test_those_of_a_personal_token_are_its_own(self, browser, bob, bobs_token):
        snippets = browser(bob).get(MINE).context["snippets"]

        assert "/dwave/private/mine/sapi/v2" in snippets["python"]
        assert "PersonalQpuToken(name='mine')" in snippets["luna"]

    def test_lines_are_code_whatever_the_name(self, browser, alice):
        name = 'it\'s "quoted" & $HOME `x` ü'
        token = upload_token(scope="group", provider="dwave", name=name, secret=SECRET, by=alice)

        snippets = browser(alice).get(address_in(browser(alice).get(TOKENS).content.decode())).context["snippets"]

        assert re.fullmatch(r"[\w:/.%~=-]+", snippets["shell"].splitlines()[0].removeprefix("export "), re.ASCII)
        compile(snippets["python"], "python", "exec")
        compile(snippets["luna"], "luna", "exec")
        assert repr(token.name) in snippets["luna"]

    def test_it_says_what_is_left_and_what_refuses(self, browser, alice, bob, lab_token):
        now = timezone.now()
        assign_quota(token=lab_token, member=None, quota_ns=60 * 10**9, by=alice, now=now)
        assign_quota(token=lab_token, member=bob, quota_ns=0, by=alice, now=now)

        page = text_of(browser(bob).get(LAB))

        assert "1 min left of 1 min" in page
        assert "your own quota is used up. Ask an admin for more." in page

    def test_members_see_no_way_to_change_it(self, browser, bob, lab_token):
        assert f"{LAB}/settings" not in browser(bob).get(LAB).content.decode()

    def test_other_organizations_are_out_of_reach(self, browser, charlie, lab_token):
        assert browser(charlie).get("/o/globex/tokens/group/lab").status_code == 404

    def test_another_providers_token_makes_no_promises(self, browser, alice):
        upload_token(scope="group", provider="ibm", name="lab", secret=SECRET, by=alice)

        assert "Jobs for IBM do not run through the portal yet." in text_of(browser(alice).get(LAB))


class TestSettings:
    def test_it_renames_and_moves(self, browser, alice, lab_token, dwave):
        answer = browser(alice).post(
            f"{LAB}/settings", {"name": "new name", "endpoint": f"{dwave.endpoint}/other/"}, follow=True
        )

        lab_token.refresh_from_db()
        assert answer.redirect_chain == [(f"{TOKENS}/group/new%20name/settings", 302)]
        assert (lab_token.name, lab_token.endpoint) == ("new name", f"{dwave.endpoint}/other/")

    def test_mistakes_stand_next_to_the_field_below_the_old_name(self, browser, alice, lab_token):
        answer = browser(alice).post(f"{LAB}/settings", {"name": "a/b", "endpoint": ""})

        assert "A name cannot contain" in answer.context["form"].errors["name"][0]
        assert answer.context["token"].name == "lab"

    def test_it_tests_now(self, browser, alice, lab_token):
        page = text_of(browser(alice).post(f"{LAB}/test", follow=True))

        assert "D-Wave accepts this token" in page
        assert "D-Wave was asked just now" in page

    def test_tests_come_to_an_end(self, browser, alice, lab_token):
        client = browser(alice)
        for _ in range(20):
            client.post(f"{LAB}/test")

        assert "That was a lot of tests." in text_of(client.post(f"{LAB}/test", follow=True))


class TestReplace:
    def test_it_says_what_will_happen_and_then_replaces(self, browser, alice, lab_token):
        assert "Jobs that are open finish with the old secret." in text_of(browser(alice).get(f"{LAB}/secret"))

        page = text_of(browser(alice).post(f"{LAB}/secret", {"token": OTHER_SECRET}, follow=True))

        assert QpuToken.objects.defer(None).get().secret == OTHER_SECRET
        assert "New jobs use the new secret from now on." in page
        assert "D-Wave does not accept this token" in page

    def test_the_settings_say_while_the_old_one_is_kept(self, browser, alice, lab_token):
        replace_secret(token=lab_token, secret=OTHER_SECRET, by=alice, now=timezone.now())
        assert "is still kept for jobs that went out with it" in text_of(browser(alice).get(f"{LAB}/settings"))

        lab_token.retired_secrets.all().delete()
        assert "is still kept" not in text_of(browser(alice).get(f"{LAB}/settings"))

    def test_nonsense_is_refused_beside_the_field(self, browser, alice, lab_token):
        answer = browser(alice).post(f"{LAB}/secret", {"token": "ä"})

        assert "ASCII" in answer.context["form"].errors["token"][0]


class TestDelete:
    def test_it_says_first_what_goes(self, browser, alice, bob, lab_token):
        now = timezone.now()
        for member in (None, bob):
            assign_quota(token=lab_token, member=member, quota_ns=10**9, by=alice, now=now)
        reserve(token=lab_token, by=bob, estimate_ns=10, source="gateway", now=now)

        page = text_of(browser(alice).get(f"{LAB}/delete"))

        assert "2 time quotas are deleted." in page
        assert "1 job is open and counts as reserved." in page
        assert QpuToken.objects.exists()

    def test_then_it_deletes(self, browser, alice, lab_token):
        answer = browser(alice).post(f"{LAB}/delete", follow=True)

        assert "lab is deleted." in text_of(answer)
        assert not QpuToken.objects.exists()
        assert Event.objects.with_action(Event.Action.TOKEN_DELETED).count() == 1
