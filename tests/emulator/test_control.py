"""The control interface: delays, tokens, the ledger, a fresh start."""

import time

import pytest

from .conftest import ALPHA, BETA


def nanoseconds(problem: dict) -> int:
    return round(problem["answer"]["timing"]["qpu_access_time"] * 1000)


def test_the_ledger_is_the_sum_of_the_answers(sapi, stranger, emulator, job):
    emulator.configure(jitter=0.03)
    mine = sapi.run(*(job(num_reads=reads, label=f"job {reads}") for reads in range(1, 21)))
    theirs = stranger.run(job())

    ledger = emulator.ledger(ALPHA)
    assert ledger["problems"] == 20
    assert ledger["charged_ns"] == ledger["deducted_ns"] == sum(map(nanoseconds, mine))
    assert {entry["problem_id"]: entry["charged_ns"] for entry in ledger["entries"]} == {
        problem["id"]: nanoseconds(problem) for problem in mine
    }
    assert {entry["label"] for entry in ledger["entries"]} == {problem["label"] for problem in mine}
    assert emulator.ledger(BETA)["charged_ns"] == sum(map(nanoseconds, theirs))
    assert len({nanoseconds(problem) / reads for reads, problem in enumerate(mine, 1)}) == 20


def test_runs_may_cost_more_than_estimated(sapi, emulator, job):
    emulator.configure(timing_factor=1.5)

    assert nanoseconds(sapi.run(job())[0]) == pytest.approx(1.5 * 15_148_020, abs=20)


def test_a_queue_delay_keeps_problems_pending(sapi, emulator, job):
    emulator.configure(queue_delay=60.0)
    [status] = sapi.submit(job())
    assert sapi.get(f"problems/{status['id']}", timeout=1).json()["status"] == "PENDING"

    emulator.configure(queue_delay=0.0)
    assert sapi.wait(status["id"])["status"] == "COMPLETED"


def test_runs_last_as_long_as_their_pace_says(sapi, emulator, job):
    began = time.monotonic()
    emulator.configure(pace=20.0)
    sapi.run(job(), job())  # one after the other, 15 ms each

    assert 0.6 <= time.monotonic() - began < 15


def test_a_revoked_token_is_unknown_but_its_problems_run(sapi, emulator, job):
    emulator.configure(run_delay=0.3)
    sapi.submit(job())
    emulator.revoke_tokens(ALPHA)

    assert sapi.get("problems/").status_code == 401
    end = time.monotonic() + 15
    while emulator.ledger(ALPHA)["problems"] == 0 and time.monotonic() < end:
        time.sleep(0.05)
    assert emulator.ledger(ALPHA)["problems"] == 1
    emulator.add_tokens(ALPHA)
    assert len(sapi.get("problems/").json()) == 1


def test_any_token_can_be_valid_until_it_is_revoked(sapi, emulator):
    sapi.session.headers["X-Auth-Token"] = "nobody-has-named-it"
    assert sapi.get("problems/").status_code == 401
    emulator.configure(any_token=True)
    assert sapi.get("problems/").status_code == 200
    emulator.revoke_tokens("nobody-has-named-it")
    assert sapi.get("problems/").status_code == 401


def test_a_reset_forgets_everything(sapi, emulator, job):
    emulator.configure(paused=True)
    emulator.fault("any", "status", times=None)
    emulator.revoke_tokens(ALPHA)
    emulator.reset()

    assert sapi.get("problems/").json() == []
    assert sapi.run(job())[0]["status"] == "COMPLETED"


def test_all_problems_are_shown(sapi, stranger, emulator, job):
    sapi.run(job())
    stranger.run(job())

    assert [(each["token"], each["status"]) for each in emulator.problems()] == [
        (ALPHA, "COMPLETED"),
        (BETA, "COMPLETED"),
    ]


@pytest.mark.parametrize(
    "settings", [{"unknown": 1}, {"pace": "fast"}, {"paused": 1}, {"offline": "x"}, {"max_open": 1.5}]
)
def test_wrong_settings_are_refused(emulator, settings):
    with pytest.raises(ValueError, match="400"):
        emulator.configure(**settings)


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "submit", "kind": "refuse"},
        {"on": "item", "kind": "hang"},
        {"on": "nothing", "kind": "hang"},
        {"on": "submit", "kind": "hang", "when": "later"},
        {"on": "submit", "kind": "hang", "unknown": 1},
    ],
)
def test_wrong_faults_are_refused(emulator, fault):
    with pytest.raises(ValueError, match="400"):
        emulator.fault(**fault)
