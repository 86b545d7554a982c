import logging

import pytest
from gunicorn.config import Config

from lunaportal.gunicorn import ServerLogger

CANARY = "canary-value"


@pytest.fixture
def logger():
    config = Config()
    config.set("errorlog", None)
    return ServerLogger(config)


def test_it_hands_on_to_the_portals_log(logger, caplog):
    with caplog.at_level(logging.INFO):
        logger.info("Listening at: %s", "http://127.0.0.1:8000")

    assert caplog.messages == ["Listening at: http://127.0.0.1:8000"]
    assert not logger.error_log.handlers


@pytest.mark.parametrize("ip", ["10.0.0.1", "2001:db8::7"])
def test_it_does_not_repeat_malformed_requests(logger, caplog, ip):
    logger.warning(f"Invalid request from ip={ip}: Invalid HTTP Header: 'Luna-API-Key {CANARY}: x'")

    assert caplog.messages == [f"Invalid request from ip={ip}: Invalid HTTP Header"]


def test_it_does_not_tell_the_path_of_a_request_that_failed(logger, caplog):
    logger.exception("Error handling request %s %s", "GET", f"/{CANARY}")

    assert caplog.messages == ["Error handling request"]


def test_there_is_no_access_log(logger):
    assert not logger.access_log_enabled
