"""Requests whose Content-Type names a codec that cannot decode text."""

import io

import pytest

from lunaportal.handlers import PortalWSGIHandler


@pytest.mark.parametrize("charset", ["bz2", "hex", "idna", "undefined", "utf-16"])
def test_the_charset_of_a_request_changes_nothing(charset, db):
    answered = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/livez",
        "QUERY_STRING": "a=1",
        "CONTENT_TYPE": f"application/json; charset={charset}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }
    PortalWSGIHandler()(environ, lambda status, headers: answered.append(status))
    assert answered == ["200 OK"]
