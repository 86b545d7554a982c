"""The books of a whole run against D-Wave's answers."""

import pytest

from .conftest import TOKEN, Sapi

pytestmark = pytest.mark.real

MOST = 500


def test_everything_is_booked_in_the_end(portal, books, gateway, dwave, member_key, admin_key, found):
    """The ledger adds up to what D-Wave's own answers tell of each problem."""
    lines = books.lines_without_open_ones()
    problems = [problem for key in (member_key, admin_key) for problem in Sapi(gateway, key).ask("problems/").json()]
    rates = conversion_rates(dwave)

    told = {problem["id"]: cost_ns(dwave, problem, rates) for problem in problems if problem["status"] == "COMPLETED"}

    assert len(lines) < MOST, "There are more lines than one page has."
    assert sum(line["access_time_ns"] or 0 for line in lines) == sum(told.values())
    assert sum(line["status"] == "settled" for line in lines) == len(told)
    assert "true" in portal.manage("check_ledger")
    found(f"{len(told)} problems")


def conversion_rates(dwave):
    solvers = dwave.ask("solvers/remote/", "solver-definition-list").json()
    return {each["identity"]["name"]: each["properties"].get("quota_conversion_rate", 1) for each in solvers}


def cost_ns(dwave, problem, rates):
    """What D-Wave deducts for a problem, by its own answer: access time of a QPU, charge time of a hybrid solver."""
    answer = dwave.ask(f"problems/{problem['id']}/answer", "problem-answer").json()["answer"]
    times = {**answer.get("data", {}).get("info", {})} if isinstance(answer.get("data"), dict) else {}
    times |= answer.get("timing", {})
    microseconds = times.get("charge_time", times.get("qpu_access_time"))
    return round(microseconds * 1000 / rates[problem["solver"]["name"]])


def test_the_token_is_not_in_the_log(portal, books):
    log = portal.log.read_text()

    assert "request_finished" in log
    assert TOKEN not in log
