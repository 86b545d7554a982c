"""German pages write 1,5 min and 15.148.020 ns and read both signs; files and programs get the same everywhere."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from quotas.models import TimeQuotaPolicy
from quotas.services import settle

from .conftest import LAB

SECOND = 10**9
QUOTAS = "/o/acme/tokens/group/lab/quotas"
ACCEPT_GERMAN = {"Accept-Language": "de"}

pytestmark = pytest.mark.usefixtures("lab_token")


@pytest.fixture
def german(browser, alice):
    """Alice's browser, in German."""
    client = browser(alice)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    return client


def quota_of(member):
    return TimeQuotaPolicy.objects.get(member=member).quota_ns


def exported(client):
    return b"".join(client.get(f"{QUOTAS}.csv").streaming_content).decode()


def text_of(answer):
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


class TestPages:
    def test_decimals_follow_a_comma_and_thousands_a_point(self, german, assign, reserve, bob, now):
        assign(bob, 90 * SECOND)
        settle(usage=reserve(bob, 100), access_time_ns=15_148_020, now=now)

        page = german.get(QUOTAS).text

        assert 'value="1,5 min"' in page
        assert '<data value="15148020" title="15.148.020 ns">15,1 ms</data>' in page

    def test_hours_beyond_a_thousand_too(self, german, assign):
        assign(None, 365 * 24 * 3600 * SECOND)

        assert "8.760 h" in text_of(german.get("/o/acme/tokens/group/lab"))

    def test_meters_say_the_same(self, german, assign, reserve, alice, now):
        assign(None, 90 * SECOND)
        settle(usage=reserve(alice, 100), access_time_ns=15_148_020, now=now)

        page = german.get("/o/acme/tokens/group/lab").text

        assert 'aria-label="15,1 ms verbraucht, 0 s offen, von 1,5 min"' in page

    def test_charts_write_figures_so_and_keep_points_in_their_geometry(self, german, reserve, alice, now):
        settle(usage=reserve(alice, 100), access_time_ns=15_148_020, now=now)

        page = german.get("/o/acme/usage/everybody").text

        (bar,) = re.findall(r"<rect[^>]*><title>[^<]*</title></rect>", page)
        assert ": 15,1 ms<" in bar
        assert re.search(r'y="\d+\.\d{3}" width="8" height="\d+\.\d{3}"', bar)
        assert "<span>15,1" not in page  # the top of the scale is round
        assert '<td class="number"><data value="15148020" title="15.148.020 ns">15,1 ms</data></td>' in page


class TestTyping:
    @pytest.mark.parametrize("quota", ["1,5 min", "1.5 min", "90 s", "1 min 30 s"])
    def test_both_signs_are_understood(self, german, bob, quota):
        answer = german.post(f"{QUOTAS}/members/{bob.pk}/set", {"quota": quota}, follow=True)

        assert quota_of(bob) == 90 * SECOND
        assert "1,5 min verbrauchen" in text_of(answer)

    def test_what_could_mean_either_is_not_guessed(self, german, assign, bob):
        assign(bob, SECOND)

        answer = german.post(f"{QUOTAS}/members/{bob.pk}/set", {"quota": "1.500 s"})

        assert "Schreiben Sie 1500 oder 1,500: 1.500 kann beides bedeuten." in text_of(answer)
        assert quota_of(bob) == SECOND

    def test_what_the_page_shows_can_be_sent_back_as_it_is(self, german, assign, bob):
        assign(bob, 15_148_000)
        (shown,) = re.findall(r'value="(15,[^"]*)"', german.get(QUOTAS).text)
        assert shown == "15,148 ms"

        german.post(f"{QUOTAS}/members/{bob.pk}/set", {"quota": shown})

        assert quota_of(bob) == 15_148_000


class TestFiles:
    def test_they_are_the_same_in_all_languages(self, german, browser, alice, bob, assign):
        assign(bob, 15_148_000)

        assert exported(german) == exported(browser(alice))
        assert ",15.148 ms," in exported(german)

    def test_an_export_is_read_back_as_it_is(self, german, bob, assign):
        assign(bob, 15_148_000)
        file = SimpleUploadedFile("quotas.csv", exported(german).encode())

        answer = german.post(f"{QUOTAS}/assign", {"whom": "list", "people": "", "quota": "", "file": file})

        (entry,) = answer.context["preview"]["entries"]
        assert (entry.assignment.quota_ns, entry.assignment.outlook) == (15_148_000, "same")

    def test_pasted_lists_are_read_as_pages_are(self, german, bob):
        lines = ["alice@example.com;1,500 s", "bob@example.com;1.500 s"]

        answer = german.post(f"{QUOTAS}/assign", {"whom": "list", "people": "\n".join(lines), "quota": ""})

        bad, good = sorted(answer.context["preview"]["entries"], key=lambda entry: entry.assignment is not None)
        assert good.assignment.quota_ns == 3 * SECOND // 2
        assert "1.500 kann beides bedeuten" in bad.problem


def test_programs_are_told_of_refusals_in_english_figures(api, assign, bob):
    assign(bob, 15_000_000)

    answer = api(bob).get(f"{LAB}/can-run", {"access_time_ns": 15_148_020}, headers=ACCEPT_GERMAN).json()

    assert "needs about 15.2 ms, 15 ms left of 15 ms." in answer["refusals"][0]["message"]
