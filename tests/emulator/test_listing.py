"""Listings: all that a token submitted, newest first, filtered."""

import pytest


@pytest.fixture
def problems(sapi, stranger, job):
    stranger.run(job(label="theirs"))
    return sapi.run(job(label="first [m:1]"), job(label="second [m:2]"), job())


def ids(response) -> list[str]:
    assert response.status_code == 200, response.text
    return [status["id"] for status in response.json()]


def test_it_lists_all_of_the_token_and_nothing_else(sapi, problems):
    assert ids(sapi.get("problems/")) == [problem["id"] for problem in reversed(problems)]


def test_listings_have_no_answers(sapi, problems):
    assert all("answer" not in status for status in sapi.get("problems/").json())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"label": "[m:2]"}, [1]),
        ({"label": "theirs"}, []),
        ({"max_results": 2}, [2, 1]),
        ({"status": "COMPLETED"}, [2, 1, 0]),
        ({"status": "PENDING"}, []),
        ({"solver": "Advantage_emulator1.1", "label": "first"}, [0]),
        ({"solver": "unknown"}, []),
    ],
)
def test_filters(sapi, problems, query, expected):
    assert ids(sapi.get("problems/", **query)) == [problems[index]["id"] for index in expected]


@pytest.mark.parametrize("query", [{"status": "DONE"}, {"max_results": 0}, {"max_results": 1001}, {"max_results": "x"}])
def test_it_refuses_filters(sapi, query):
    assert sapi.get("problems/", **query).status_code == 400
