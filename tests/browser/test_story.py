"""The whole story, from an empty portal to a ledger that is taken home: two people, one token, one emulated D-Wave.

The portal runs as `./dev up` runs it, in processes of its own; people use browsers, and the program D-Wave's Ocean.
"""

import csv
import re
import time
from contextlib import contextmanager
from email import message_from_bytes, policy

import pytest
from dwave.cloud import Client
from playwright.sync_api import Page, expect

from emulator.app import make_app
from emulator.server import running
from tests.conftest import SECRET
from tests.tours.conftest import running_portal

from .conftest import PATIENCE, WIDE, window

PASSWORD = "correct horse battery staple"
LINK = re.compile(r"https?://\S+/(?:accounts/confirm-email|invitations)/\S+")


@pytest.fixture
def dwave():
    with running(make_app([SECRET], settings={"pace": 0.0})) as emulator:
        yield emulator


@pytest.fixture
def portal(tmp_path, dwave):
    """An empty portal, with an emulated D-Wave behind it; its mails become files."""
    settings = {"SIGNUP": "open", "EMAIL_URL": f"file:///{tmp_path}/mails"}
    with running_portal(tmp_path, f"{dwave.endpoint}/", **settings) as started:
        yield started


@pytest.fixture
def person(chromium, portal):
    """person(): the window of somebody who has never been here."""

    @contextmanager
    def somebody():
        context = chromium.new_context(base_url=portal.url, viewport=WIDE, locale="en", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        with window(context) as page:
            yield page
        context.close()

    return somebody


@pytest.fixture
def link_for(tmp_path):
    """link_for(address): the link in the last mail to this address, as soon as it is there."""

    def links(address: str) -> list[str]:
        mails = [message_from_bytes(part, policy=policy.default) for part in written(tmp_path / "mails")]
        bodies = [mail.get_body(("plain",)).get_content() for mail in mails if mail["To"] == address]
        return [match[0] for match in map(LINK.search, bodies) if match]

    def last(address: str) -> str:
        deadline = time.monotonic() + PATIENCE / 1000
        while not (found := links(address)):
            assert time.monotonic() < deadline, f"There is no mail to {address}."
            time.sleep(0.1)
        return found[-1]

    return last


def written(folder):
    """The mails in files of Django's, oldest first; a line of dashes follows each."""
    for path in sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime_ns):
        yield from re.split(rb"^-{79}\n", path.read_bytes(), flags=re.MULTILINE)[:-1]


def click(page: Page, role: str, name: str) -> None:
    page.get_by_role(role, name=name, exact=True).first.click()


def sign_up(page: Page, **names: str) -> None:
    for label, text in names.items():
        page.get_by_label(label).fill(text)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    click(page, "button", "Create account")


def run_with_ocean(endpoint: str, key: str) -> int:
    """What D-Wave says that a small job has cost (ns)."""
    with Client(endpoint=endpoint, token=key) as client:
        solver = client.get_solver(qpu=True)
        answer = solver.sample_ising({min(solver.nodes): 1.0}, {}, num_reads=50)
        return round(answer.timing["qpu_access_time"] * 1000)


def exact(page: Page, ns: int):
    """Where a page shows this duration: rounded for people, exact on hover."""
    return page.locator(f'data[value="{ns}"]').first


def test_from_an_empty_portal_to_a_ledger_that_is_taken_home(portal, dwave, person, link_for, monkeypatch, tmp_path):
    monkeypatch.setenv("DWAVE_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("DWAVE_CACHE_HOME", str(tmp_path / "cache"))
    with person() as ada, person() as max_:
        # Ada signs up, confirms her address, and founds an organization.
        ada.goto("/accounts/signup/")
        sign_up(ada, Email="ada@example.com")
        expect(ada.get_by_role("heading", level=1)).to_contain_text("mail")
        ada.goto(link_for("ada@example.com"))
        click(ada, "button", "Confirm")
        if "/login/" in ada.url:
            ada.get_by_label("Email").fill("ada@example.com")
            ada.get_by_label("Password").fill(PASSWORD)
            click(ada, "button", "Sign in")
        click(ada, "link", "Create an organization")
        ada.get_by_label("Name").fill("Quantum Lab")
        click(ada, "button", "Create")

        # She uploads the lab's token. D-Wave accepts it.
        click(ada, "link", "Upload a token")
        ada.get_by_label("Name").fill("annealer")
        ada.get_by_label("Secret token").fill(SECRET)
        click(ada, "button", "Upload")
        expect(ada.get_by_text("D-Wave accepts this token")).to_be_visible()

        # She invites two people. Max opens the link in his mail, and joins.
        click(ada, "link", "Members")
        click(ada, "link", "Invite people")
        ada.get_by_label("Email addresses").fill("max@example.com\nmia@example.com")
        click(ada, "button", "Check the list")
        click(ada, "button", "Send 2 invitations")
        max_.goto(link_for("max@example.com"))
        click(max_, "button", "Create an account")
        sign_up(max_)
        click(max_, "button", "Join as max@example.com")
        expect(max_.get_by_text("You are a member of Quantum Lab now.")).to_be_visible()

        # She gives everybody who has none ten seconds each.
        ada.goto("/o/quantum-lab/tokens/group/annealer")
        click(ada, "link", "Quotas")
        click(ada, "link", "Assign to many")
        ada.get_by_label("Everybody without a quota").check()
        ada.get_by_label("QPU time for each").fill("10 s")
        click(ada, "button", "Check the list")
        click(ada, "button", "Set 2 quotas")
        expect(ada.get_by_text("2 quotas are set.")).to_be_visible()

        # Max sees what is left for him, makes a key, and runs a job with it.
        max_.goto("/o/quantum-lab")
        expect(max_.get_by_text("10 s left of 10 s")).to_be_visible()
        click(max_, "link", "Make a key")
        max_.get_by_label("Name").fill("laptop")
        click(max_, "button", "Make the key")
        key = max_.locator("#key").inner_text()
        cost_ns = run_with_ocean(f"{portal.url}/dwave/shared/annealer/sapi/v2/", key)

        # He sees it on his meter, among his jobs, and in the chart; Ada sees it as well.
        max_.goto("/o/quantum-lab")
        expect(exact(max_, 10 * 10**9 - cost_ns)).to_be_visible()
        expect(exact(max_, cost_ns)).to_be_visible()
        expect(max_.get_by_role("img", name="Access time of your jobs")).to_be_visible()
        click(max_, "link", "All your jobs")
        expect(max_.get_by_role("row").filter(has=exact(max_, cost_ns))).to_contain_text("annealer")
        click(ada, "link", "Usage")
        click(ada, "link", "Everybody's")
        expect(ada.get_by_role("row").filter(has=exact(ada, cost_ns)).first).to_be_visible()

        # She takes the ledger home. It says what D-Wave says, to the nanosecond.
        with ada.expect_download() as download:
            click(ada, "link", "Export jobs as CSV")
        lines = list(csv.DictReader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))

    assert [(line["user_email"], line["token_name"], line["status"]) for line in lines] == [
        ("max@example.com", "annealer", "settled")
    ]
    assert int(lines[0]["access_time_ns"]) == cost_ns == dwave.ledger(SECRET)["deducted_ns"]
    portal.manage("check_ledger")
