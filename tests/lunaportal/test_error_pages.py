import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.lunaportal.urls")


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


FAILURES = [
    ("refuse/bad", 400, "MALFORMED_REQUEST"),
    ("refuse/suspicious", 400, "MALFORMED_REQUEST"),
    ("refuse/forbidden", 403, "FORBIDDEN"),
    ("nowhere/at/all", 404, "NOT_FOUND"),
    ("crash/x", 500, "INTERNAL_ERROR"),
    *(
        (f"refuse/{what}", 503, "UNAVAILABLE")
        for what in ("no-database", "no-connection", "only-a-replica", "no-cache", "slow-cache")
    ),
]


@pytest.mark.parametrize(("path", "status", "code"), FAILURES)
def test_programs_get_json_that_the_sdk_shows(client, path, status, code):
    answer = client.get(f"/api/{path}")

    assert answer.status_code == status
    assert answer.json()["internal_code"] == code
    assert answer.json()["message"]


@pytest.mark.parametrize(("path", "status", "code"), FAILURES)
def test_people_get_a_page(client, path, status, code):
    answer = client.get(f"/{path}")

    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/refuse/no-database", "/api/refuse/no-cache"])
def test_what_is_away_is_to_be_asked_again_soon(client, path):
    assert client.get(path)["Retry-After"] == "2"


@pytest.mark.parametrize(("path", "status", "code"), FAILURES)
def test_an_answer_does_not_repeat_what_was_asked(client, path, status, code):
    for prefix in ("/", "/api/"):
        assert "canary" not in client.get(f"{prefix}{path}?x=canary", headers={"X-Canary": "canary"}).content.decode()


def test_a_body_that_is_too_large_is_413_for_programs(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    answer = client.post("/api/read", "x" * 11, content_type="application/json")

    assert (answer.status_code, answer.json()["internal_code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_a_body_that_is_too_large_is_a_page_for_people(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    answer = client.post("/read", "x" * 11, content_type="application/json")

    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")
