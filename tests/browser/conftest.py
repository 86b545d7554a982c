"""A real Chromium against a real server. It fails a test in which a page breaks the Content-Security-Policy or throws.

`pytest -m browser tests/browser`; CHROMIUM names the program where it is not found by itself, HEADED=1 shows it.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from organizations.models import Membership
from quotas import services
from quotas.models import Usage

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60_000  # milliseconds that a page may take on a slow machine; tests go on as soon as it is there
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.nodeid:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each gets a window of its own."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.exit("No Chromium found. On Debian and Ubuntu: apt install chromium; or set CHROMIUM to its path.", 1)
    expect.set_options(timeout=PATIENCE)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in the thread of the tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless="HEADED" not in os.environ)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live_server(django_db_setup: None, live_server: LiveServer) -> LiveServer:
    """The portal, on a port of its own. It starts after the test database is there, or its threads would all share
    the one connection that pytest-django finds instead."""
    return live_server


@pytest.fixture(autouse=True)
def no_rate_limits_from_before() -> None:
    cache.clear()


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A fresh browser profile, on a wide screen, at the portal's address."""
    context = chromium.new_context(base_url=live_server.url, viewport=WIDE, locale="en", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@contextmanager
def window(context: BrowserContext) -> Iterator[Page]:
    """A window. It ends with an error if a page in it broke the policy, threw, or asked for what is not there."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        is_status = message.text.startswith("Failed to load resource")  # what a page answers is the test's to judge
        if message.type in {"error", "warning"} and not is_status:
            complaints.append(f"{message.text} ({message.location.get('url')})")

    def note_missing(response: Response) -> None:
        if response.status >= 500 or (response.status >= 400 and "/static/" in response.url):
            complaints.append(f"{response.status} {response.url}")

    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", note_missing)
    yield page
    page.goto("about:blank")  # so that no request of the page outlives its test
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A window that watches over its pages."""
    with window(context) as page:
        yield page


@pytest.fixture
def sign_in(context: BrowserContext, live_server: LiveServer) -> Callable[[Membership], None]:
    """sign_in(member): the browser is signed in as this member from now on."""

    def as_member(member: Membership) -> None:
        client = Client()
        client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])

    return as_member


AXE = Axe()


def assert_accessible(page: Page) -> None:
    """No violation of the rules of axe-core, among them those of WCAG 2.2 AA."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    results = AXE.run(page, options=options)
    assert results.violations_count == 0, results.generate_report()


@pytest.fixture
def a_busy_month(alice, bob, lab_token, bobs_token):
    """Jobs of Alice and Bob on the last 30 days."""
    now = timezone.now()

    def run(member, token, solver, cost_ns, at):
        usage = services.reserve(
            token=token, by=member, estimate_ns=cost_ns, source=Usage.Source.GATEWAY, solver=solver, now=at
        )
        services.settle(usage=usage, access_time_ns=cost_ns, now=at + timedelta(seconds=3))

    for number in reversed(range(29)):  # later jobs have higher ids
        at = now - timedelta(days=number)
        run(alice, lab_token, "Advantage_system4.1", 40_000_000 * (3 + (number * 7) % 11), at)
        run(bob, lab_token, "Advantage2_system1.6", 15_148_020 * (1 + (number * 5) % 13), at)
        run(bob, bobs_token, "Advantage_system4.1", 20_000_000, at)
