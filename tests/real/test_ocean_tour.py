"""The tour that the emulator passes, step by step, at D-Wave itself: some hundred problems, and hybrid ones."""

import subprocess
import sys

import pytest

from tests.tours.conftest import ROOT

pytestmark = pytest.mark.real_tour

TOUR = ROOT.parent / "shared/tools/ocean_tour.py"


def test_every_step_of_the_ocean_tour(gateway, member_key, portal):
    assert TOUR.exists(), f"{TOUR} is missing: the tours need the folder shared/ beside the checkout."
    command = [sys.executable, TOUR, "--endpoint", gateway, "--token", member_key, "--step-timeout", "600"]

    finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert finished.returncode == 0, f"{finished.stdout}\n\nThe portal's log:\n{portal.last_log_lines()}"
