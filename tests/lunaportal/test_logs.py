import io
import logging

import pytest
import structlog
from django.conf import settings as django_settings
from django.test import Client
from django.utils.functional import SimpleLazyObject

from lunaportal import logs

CANARY = "luna_" + "canary123" * 5


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


pytestmark = pytest.mark.urls("tests.lunaportal.urls")


class TestARequest:
    def test_it_is_one_line_with_the_route_instead_of_the_path(self, client, lines):
        answer = client.get(f"/show/{CANARY}?token={CANARY}", headers={"Referer": f"/{CANARY}"})

        (line,) = lines
        assert line["event"] == "request_finished"
        assert line["request"] == "GET /show/<key>"
        assert line["code"] == 200
        assert line["ip"] == "127.0.0.1"
        assert line["duration_ms"] >= 0
        assert line["request_id"] == answer["X-Request-ID"]
        assert line["level"] == "info"
        assert CANARY not in lines.text

    def test_it_makes_its_own_request_id(self, client, lines):
        answer = client.get("/show/x", headers={"X-Request-ID": "forged"})

        assert answer["X-Request-ID"] != "forged"

    @pytest.mark.parametrize(
        ("path", "code", "route"),
        [
            (f"/nowhere/{CANARY}", 404, "(no such page)"),
            ("/refuse/bad", 400, "/refuse/<key>"),
            ("/refuse/forbidden", 403, "/refuse/<key>"),
        ],
    )
    def test_a_refusal_is_a_warning_without_the_path(self, client, lines, path, code, route):
        client.get(path)

        line = lines.named("request_finished")
        assert (line["code"], line["request"], line["level"]) == (code, f"GET {route}", "warning")
        assert path not in lines.text

    def test_a_failed_csrf_check_is_told_without_the_path(self, lines):
        Client(enforce_csrf_checks=True).post("/post/Grüße", {"password": "tiny"})

        (line,) = [line for line in lines if line["logger"] == "django.security.csrf"]
        assert line["event"] == "Forbidden (CSRF cookie not set.): /post/<key>"
        assert "tiny" not in lines.text

    def test_a_crash_leaves_a_traceback_without_secrets_and_an_answer_with_the_id(self, client, lines):
        answer = client.get(f"/crash/{CANARY}", headers={"X-Canary": CANARY})

        (line,) = lines
        assert answer.status_code == 500
        assert line["event"] == "request_failed"
        assert line["request"] == "GET /crash/<key>"
        assert line["request_id"] == answer["X-Request-ID"]
        assert line["exception"].startswith("Traceback")
        assert "in crash" in line["exception"]
        assert line["exception"].endswith("RuntimeError: upstream refused luna_[hidden]")
        assert CANARY not in lines.text
        assert CANARY not in answer.content.decode()

    def test_it_names_the_user_who_signed_in(self, client, lines, django_user_model, db):
        user = django_user_model.objects.create_user("ada@example.com", "a long password")
        client.force_login(user)

        client.get("/show/x")

        assert lines.named("request_finished")["user_id"] == user.pk

    def test_the_log_does_not_ask_who_it_is(self, rf):
        request = rf.get("/")
        request.user = SimpleLazyObject(lambda: pytest.fail("asked the database"))

        logs.RequestLogMiddleware.bind_user_id(request)


class TestOtherRecords:
    def test_structlog_goes_through_redaction(self, lines):
        structlog.get_logger("x").warning("uploaded", token=CANARY, note=f"it is {CANARY}", token_name="lab")

        (line,) = lines
        assert (line["event"], line["token"], line["token_name"]) == ("uploaded", "[hidden]", "lab")
        assert CANARY not in lines.text

    @pytest.mark.parametrize("name", ["timestamp", "level", "logger"])
    def test_no_name_gets_around_redaction(self, lines, name):
        structlog.get_logger("x").warning("uploaded", **{name: CANARY})

        assert CANARY not in lines.text

    def test_the_standard_library_goes_through_redaction(self, lines):
        logging.getLogger("x").warning("uploaded %s by %s", CANARY, {"password": "tiny"}, extra={"token": CANARY})

        (line,) = lines
        assert line["event"] == "uploaded luna_[hidden] by {'password': [hidden]}"
        assert (line["logger"], line["level"]) == ("x", "warning")
        assert CANARY not in lines.text

    def test_queries_are_not_logged_even_when_debugging(self):
        logs.configure({"format": "json", "level": logging.DEBUG})
        assert not logging.getLogger("django.db.backends").isEnabledFor(logging.DEBUG)
        logs.configure(django_settings.LOGGING)


def test_the_console_format_hides_as_much(lines, capsys):
    logs.configure({"format": "console", "level": logging.INFO})
    (handler,) = logging.getLogger().handlers
    stream = io.StringIO()
    handler.setStream(stream)

    try:
        raise ValueError(CANARY)
    except ValueError:
        structlog.get_logger("x").exception("failed", token=CANARY)

    assert "ValueError: luna_[hidden]" in stream.getvalue()
    assert CANARY not in stream.getvalue()
