"""The pictures of the README and the docs: a lab as it is after some weeks, light and dark.

No test: `./dev screenshots docs` runs it, and writes them to docs/images.
"""

import base64
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from organizations.models import Membership
from quotas.services import QuotaExceeded, assign_quota, reserve, settle
from tests.conftest import SECRET, join
from tokens.models import QpuToken
from tokens.services import upload_token

LAB = "Optimization Lab"
PEOPLE = [
    "Ada Brandt",
    "Ben Okafor",
    "Chiara Rossi",
    "David Lindqvist",
    "Elif Kaya",
    "Farid Haddad",
    "Grace Kim",
    "Hannah Vogel",
    "Ivan Petrov",
]
QPUS = ["Advantage2_system1.6", "Advantage_system6.4"]
WEEKS = 5
MS, S = 10**6, 10**9
WIDTH = 1320
PICTURES = [  # name, address, who looks, and how much of the page
    ("dashboard", "/o/optimization-lab", "Grace Kim", 1080),
    ("quotas", "/o/optimization-lab/tokens/group/advantage-lab/quotas", "Ada Brandt", 1013),
    ("usage", "/o/optimization-lab/usage/everybody?by=member&days=30", "Ada Brandt", 990),
]

TO_WEBP = """async source => {
    const image = new Image()
    image.src = source
    await image.decode()
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
    canvas.getContext('2d').drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.9)
}"""


@pytest.fixture
def lab(db: None) -> dict[str, Membership]:
    """Its members by name; the first is the admin."""
    chance, now = random.Random(7), timezone.now()
    start = now - timedelta(weeks=WEEKS)
    people = {name: member_called(name) for name in PEOPLE}
    ada = people["Ada Brandt"]
    token = upload_token(scope="group", provider="dwave", name="advantage-lab", secret=SECRET, by=ada)
    own = upload_token(scope="personal", provider="dwave", name="trial", secret=SECRET, by=people["Grace Kim"])
    QpuToken.objects.update(works=True, tested_at=now)
    assign_quota(token=token, member=None, quota_ns=240 * S, start=start, by=ada, now=start)
    for number, name in enumerate(PEOPLE[1:-1]):
        quota_ns = (10, 20, 30)[number % 3] * S
        assign_quota(token=token, member=people[name], quota_ns=quota_ns, start=start, by=ada, now=start)
    jobs = [
        (at, member, token)
        for number, member in enumerate(people.values())
        for at in working_hours(start, now, 1 + number % 3, chance)
    ]
    jobs += [(at, people["Grace Kim"], own) for at in working_hours(now - timedelta(days=9), now, 1, chance)]
    for at, member, used in sorted(jobs, key=lambda job: job[0]):
        run(member, used, at, chance)
    reserve(token=token, by=people["Grace Kim"], estimate_ns=900 * MS, source="gateway", solver=QPUS[0], now=now)
    return people


def member_called(name: str) -> Membership:
    first, last = name.split()
    member = join(LAB, f"{first.lower()}@lab.example", "admin" if name == PEOPLE[0] else "member")
    member.user.first_name, member.user.last_name = first, last
    member.user.save()
    return member


def working_hours(start: datetime, end: datetime, at_once: int, chance: random.Random) -> Iterator[datetime]:
    """Moments on working days, some at a time, as somebody sends jobs who comes and goes."""
    day = start
    while (day := day + timedelta(days=1)) < end:
        if day.weekday() < 5 and chance.random() < 0.7:
            for number in range(at_once * chance.randint(1, 5)):
                yield day - timedelta(minutes=3 * number + chance.randint(10, 200))


def run(member: Membership, token: QpuToken, at: datetime, chance: random.Random) -> None:
    """A job, unless the quota refuses it."""
    solver, cost_ns = chance.choices(QPUS, [3, 1])[0], chance.randrange(20 * MS, 160 * MS)
    with suppress(QuotaExceeded):
        usage = reserve(token=token, by=member, estimate_ns=cost_ns, source="gateway", solver=solver, now=at)
        settle(usage=usage, access_time_ns=cost_ns, now=at + timedelta(seconds=2))


@pytest.fixture
def sharp(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A screen with as many pixels as readers of the docs may have."""
    context = chromium.new_context(
        base_url=live_server.url, viewport={"width": WIDTH, "height": WIDTH}, device_scale_factor=2, locale="en"
    )
    yield context
    context.close()


@pytest.mark.parametrize(("name", "address", "visitor", "height"), PICTURES, ids=[name for name, *_ in PICTURES])
def test_picture(name, address, visitor, height, lab, sharp, context, sign_in) -> None:
    sign_in(lab[visitor])
    sharp.add_cookies(context.cookies())
    page, blank = sharp.new_page(), sharp.new_page()
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto(address)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        (settings.BASE_DIR / f"docs/images/{name}-{theme}.webp").write_bytes(webp(page.screenshot(), blank))


def webp(png: bytes, page: Page) -> bytes:
    """The same picture in a third of the bytes, as Chromium writes it."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return base64.b64decode(page.evaluate(TO_WEBP, source).partition(",")[2])
