"""The programs that the pages show, run as somebody would who copies them."""

import subprocess

import pytest
import requests

from solving.snippets import RAW_KEY, fetch_solution, first_job

from .conftest import python_with_sdk

pytestmark = pytest.mark.tour

SDK = "1.3.1"


def test_a_first_job_is_solved_and_fetched_again(portal, member_key):
    def run(program):
        command = [python_with_sdk(SDK), "-c", program.replace(RAW_KEY, member_key)]
        finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert finished.returncode == 0, f"{finished.stdout}\n\nThe portal's log:\n{portal.last_log_lines()}"
        return finished.stdout

    assert "1 1 │" in run(first_job(portal.url))
    url, headers = f"{portal.url}/luna-solve/api/v1/solve-jobs/metadata", {"Luna-API-Key": member_key}
    (last,) = requests.get(url, params={"limit": 1}, headers=headers, timeout=30).json()
    assert "1 1 │" in run(fetch_solution(portal.url, last["id"]))
