"""The German texts: complete, whole, and what the portal really shows."""

import re

import polib
import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

FOLDER = settings.BASE_DIR / "locale/de/LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")


@pytest.fixture(scope="module")
def texts():
    return [entry for entry in polib.pofile(FOLDER / "django.po") if not entry.obsolete]


def forms(entry):
    """Each original with what it was translated to."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    return [(entry.msgid, entry.msgstr_plural[0]), (entry.msgid_plural, entry.msgstr_plural[1])]


def test_every_text_is_translated(texts):
    assert [entry.msgid for entry in texts if not entry.translated()] == []


def test_placeholders_stay(texts):
    for entry in texts:
        for original, translated in forms(entry):
            assert sorted(PLACEHOLDER.findall(original)) == sorted(PLACEHOLDER.findall(translated)), original


def test_what_is_compiled_is_what_is_written(texts):
    compiled = {(entry.msgctxt, *forms(entry)) for entry in polib.mofile(FOLDER / "django.mo")}

    assert compiled == {(entry.msgctxt, *forms(entry)) for entry in texts}, "Run ./dev messages."


@pytest.mark.django_db
class TestLanguage:
    @pytest.fixture(autouse=True)
    def leave_no_language_behind(self):
        yield
        translation.deactivate()  # a request leaves its language to the thread, and so to the next test

    def test_it_is_the_browsers(self, client):
        german = client.get("/accounts/login/", headers={"Accept-Language": "de-AT,de;q=0.9"})
        other = client.get("/accounts/login/", headers={"Accept-Language": "fr"})

        assert '<html lang="de">' in german.content.decode()
        assert "<h1>Anmelden</h1>" in german.content.decode()
        assert "English</button>" in german.content.decode()
        assert "<h1>Sign in</h1>" in other.content.decode()

    def test_it_is_chosen_for_good(self, client):
        answer = client.post("/accounts/language/", {"language": "de", "next": "/accounts/signup/"})

        assert answer["Location"] == "/accounts/signup/"
        assert "<h1>Konto anlegen</h1>" in client.get("/accounts/signup/").content.decode()

    @pytest.mark.parametrize("next_", ["https://evil.example/", "//evil.example/"])
    def test_it_leads_nowhere_else(self, client, next_):
        answer = client.post("/accounts/language/", {"language": "de", "next": next_})

        assert answer["Location"] == "/"

    def test_a_forged_form_chooses_nothing(self):
        answer = Client(enforce_csrf_checks=True).post("/accounts/language/", {"language": "de"})

        assert answer.status_code == 403

    def test_members_see_it_on_every_page(self, browser, alice):
        client = browser(alice)
        client.post("/accounts/language/", {"language": "de"})

        page = client.get("/o/acme/members/invite").content.decode()

        for text in ("Leute einladen", "Mitglieder", "Liste prüfen", "Einladen als", "Abmelden"):
            assert text in page
