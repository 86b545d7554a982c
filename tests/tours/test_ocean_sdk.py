"""D-Wave's Ocean SDK, as pip installs it, through the gateway to the emulated D-Wave."""

import subprocess
import sys
import time

import pytest
import requests

from .conftest import ROOT, Portal

pytestmark = pytest.mark.tour

TOUR = ROOT.parent / "shared/tools/ocean_tour.py"
SECRET = "DEV-ocean-tour-secret-0123456789"


@pytest.fixture(scope="module")
def endpoint(portal: Portal, admin_key: str) -> str:
    """Where members find the group token `ocean-tour`."""
    body = {"name": "ocean-tour", "provider": "dwave", "token": SECRET}
    url = f"{portal.url}/luna-solve/api/v1/qpu-tokens/shared"
    requests.post(url, json=body, headers={"Luna-API-Key": admin_key}, timeout=30).raise_for_status()
    return f"{portal.url}/dwave/shared/ocean-tour/sapi/v2"


def test_every_step_of_the_ocean_tour(portal, endpoint, member_key):
    assert TOUR.exists(), f"{TOUR} is missing: the tours need the folder shared/ beside the checkout."
    command = [sys.executable, TOUR, "--endpoint", endpoint, "--token", member_key]

    finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert finished.returncode == 0, f"{finished.stdout}\n\nThe portal's log:\n{portal.last_log_lines()}"
    assert "skip " not in finished.stdout, finished.stdout


def test_dwave_ping(endpoint, member_key, tmp_path):
    command = [f"{sys.prefix}/bin/dwave", "ping", "--client", "qpu"]
    environment = {"DWAVE_API_ENDPOINT": endpoint, "DWAVE_API_TOKEN": member_key, "HOME": str(tmp_path)}

    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert finished.returncode == 0, finished.stdout


def test_everything_is_booked_in_the_end(portal, endpoint, member_key):
    """The reconciler settles what the tour never fetched; then the ledger equals what the emulated D-Wave ran."""
    dwave = portal.environment["DWAVE_UPSTREAM_ENDPOINT"].replace("/sapi/v2/", "/control/ledger")
    deadline = time.monotonic() + 60
    while (booked := usage(portal, member_key)).pop("open") and time.monotonic() < deadline:
        time.sleep(1)

    really_run = requests.get(dwave, params={"token": SECRET}, timeout=30).json()[SECRET]
    assert booked == {"settled_ns": really_run["deducted_ns"]}
    assert "true" in portal.manage("check_ledger")


def usage(portal: Portal, key: str) -> dict[str, int]:
    """How many of the member's jobs on this token are open, and what the settled ones add up to."""
    url = f"{portal.url}/api/v1/organizations/tour/usage?limit=500&token=ocean-tour"
    jobs = requests.get(url, headers={"Luna-API-Key": key}, timeout=30).json()["results"]
    return {
        "open": sum(job["status"] == "reserved" for job in jobs),
        "settled_ns": sum(job["access_time_ns"] or 0 for job in jobs),
    }


def test_the_token_is_not_in_the_log(portal, endpoint):
    assert SECRET not in portal.log.read_text()
