"""Names that are formulas to a spreadsheet, in every file that somebody may download."""

import csv
import io

import pytest
from django.utils import timezone

from organizations.services import issue_key
from organizations.spreadsheets import neutral
from quotas.services import assign_quota, reserve, settle
from tests.organizations.test_audit_page import AUDIT
from tokens.services import upload_token

pytestmark = pytest.mark.django_db

STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
FORMULA = "=HYPERLINK(1)"
NAMES = [FORMULA, f"x;{FORMULA}", f'x;"{FORMULA}', f"x; {FORMULA}", f"x;'{FORMULA}", "@SUM(A1)", "\uff1d1+1", "-1+1"]
EXPORTS = [
    f"{AUDIT}.csv",
    "/o/acme/usage.csv",
    "/o/acme/usage/everybody.csv",
    "/o/acme/tokens/group/lab/quotas.csv",
]


@pytest.fixture
def formulas_everywhere(alice, lab_token):
    """Whatever people name themselves."""
    now = timezone.now()
    alice.user.first_name, alice.user.last_name = FORMULA, f"x;{FORMULA}"
    alice.user.save()
    for name in NAMES:
        token = upload_token(scope="group", provider="dwave", name=name, secret="DEV-" + "0" * 40, by=alice)
        usage = reserve(token=token, by=alice, estimate_ns=5, source="gateway", solver=FORMULA, now=now)
        settle(usage=usage, access_time_ns=5, now=now)
        issue_key(name=name, by=alice, now=now)
    assign_quota(token=lab_token, member=alice, quota_ns=10**9, by=alice, now=now)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("path", EXPORTS)
def test_no_cell_is_a_formula_however_cells_are_parted(browser, alice, formulas_everywhere, path, delimiter):
    answer = browser(alice).get(path)
    lines = b"".join(answer.streaming_content).decode().split("\r\n")

    cells = [cell for line in lines for cell in next(csv.reader([line], delimiter=delimiter), [])]

    assert len(lines) > 2
    assert not [cell for cell in cells if cell.lstrip('" ').startswith(STARTS)]


@pytest.mark.parametrize("path", EXPORTS)
def test_it_is_a_file_to_save_and_nothing_else(browser, alice, lab_token, path):
    answer = browser(alice).get(path)

    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("value", [-5, -0.5, 0, None])
def test_numbers_stay_numbers(value):
    assert neutral(value) is value


def test_what_a_quote_opens_a_quote_closes():
    row = io.StringIO()
    csv.writer(row).writerow([neutral('a",=1'), neutral("b")])

    assert next(csv.reader([row.getvalue()])) == ['a",=1', "b"]
