"""The Luna SDK, as pip installs it, against the portal, as gunicorn serves it."""

import subprocess

import pytest

from .conftest import ROOT, Portal, python_with_sdk

pytestmark = pytest.mark.tour

TOUR = ROOT.parent / "shared/tools/luna_tour.py"


def run(command: list, portal: Portal) -> str:
    """What `command` printed; fails with it, and with the portal's log, if the command failed."""
    finished = subprocess.run(
        command, env={"LUNA_BASE_URL": portal.url}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert finished.returncode == 0, f"{finished.stdout}\n\nThe portal's log:\n{portal.last_log_lines()}"
    return finished.stdout


def test_every_block_of_the_qpu_tokens_page(portal, admin_key, member_key):
    assert TOUR.exists(), f"{TOUR} is missing: the tours need the folder shared/ beside the checkout."
    keys = ["--admin-key", admin_key, "--member-key", member_key]

    answer = run([python_with_sdk("1.3.1"), TOUR, "--base-url", portal.url, *keys], portal)

    assert answer.splitlines()[-1].endswith(" ok, 0 failed"), answer


@pytest.mark.parametrize("version", ["1.2.4", "1.1.0"])
def test_tokens_and_quotas_with_an_older_sdk(portal, admin_key, member_key, version):
    script = ROOT / "tests/tours/old_sdk.py"

    run([python_with_sdk(version), script, admin_key, member_key, "member@example.com"], portal)


def test_jobs_on_hybrid_solvers(portal, member_key):
    run([python_with_sdk("1.3.1"), ROOT / "tests/tours/solve_hybrid.py", member_key, "DEV-hybrid-tour-secret"], portal)


@pytest.mark.parametrize("version", ["1.2.4", "1.1.0"])
def test_jobs_with_an_older_sdk(portal, member_key, version):
    run([python_with_sdk(version), ROOT / "tests/tours/solve_old_sdk.py", member_key], portal)


def test_a_base_url_that_ends_in_a_slash(portal, admin_key):
    code = "import sys; from luna_quantum import LunaSolve; LunaSolve(api_key=sys.argv[1]).qpu_token.get_all()"

    run([python_with_sdk("1.3.1"), "-c", code, admin_key], Portal(f"{portal.url}/", {}, portal.log))


def test_no_secret_is_in_the_log(portal, admin_key, member_key):
    log = portal.log.read_text()

    assert "request_finished" in log
    for secret in (
        admin_key,
        member_key,
        "a-secret",
        "canary-6f1d0c9b-secret-value",
        "DEV-hybrid-tour-secret",
        portal.environment["SECRET_KEY"],
    ):
        assert secret not in log
