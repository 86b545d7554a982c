"""A member follows a solve job to its end, takes its solution home, and deletes it."""

from playwright.sync_api import expect

from solving.models import SolveJob
from tests.conftest import solved_job


def test_a_job_is_followed_to_its_end(page, sign_in, bob):
    finished = solved_job(bob, name="Shifts", summary={"best": -13.5, "feasible": 90, "samples": 100})
    end = {"status": "DONE", "started_at": finished.started_at, "ended_at": finished.ended_at}
    SolveJob.objects.update(status="REQUESTED", started_at=None, ended_at=None)
    sign_in(bob)
    page.goto("/o/acme/jobs")

    page.get_by_role("link", name="Solve jobs", exact=True).click()
    page.get_by_role("link", name="Shifts").click()
    expect(page.get_by_text("next in line")).to_be_visible()
    SolveJob.objects.update(**end)

    expect(page.get_by_role("heading", level=1)).to_contain_text("done")
    expect(page.get_by_text("90 of 100")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the solution").click()
    assert download.value.path().read_bytes() == b"a solution"
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the job").click()
    expect(page.get_by_text("The job is deleted.")).to_be_visible()
    assert not SolveJob.objects.exists()
