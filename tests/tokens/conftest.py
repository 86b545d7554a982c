"""D-Wave as tokens meet it: an emulated one, and servers that only pretend to be."""

import json
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.cache import cache

from emulator.app import make_app
from emulator.server import running
from tests.conftest import SECRET


@pytest.fixture(scope="session")
def dwave_server():
    with running(make_app([SECRET])) as emulator:
        yield emulator


@pytest.fixture
def dwave(dwave_server, settings):
    """The emulated D-Wave, where tokens go that have no endpoint of their own. It knows SECRET."""
    settings.DWAVE_UPSTREAM_ENDPOINT = f"{dwave_server.endpoint}/"
    dwave_server.reset()
    return dwave_server


@contextmanager
def serving(reply):
    """A server on loopback that answers each GET with what `reply(request)` gives: status, headers and body."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self)
            status, headers, body = reply(self)
            self.send_response(status)
            for name, value in {"Content-Length": len(body), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/sapi/v2/", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server():
    """server(reply): the endpoint of a server that answers so, and the list of requests that it gets."""
    with ExitStack() as servers:
        yield lambda reply: servers.enter_context(serving(reply))


@pytest.fixture(autouse=True)
def no_one_was_here_before():
    cache.clear()  # of what throttles have counted


def solvers(*names, category="qpu", status="ONLINE"):
    """A list of solvers as D-Wave answers it."""
    entries = [{"identity": {"name": name}, "status": status, "properties": {"category": category}} for name in names]
    return 200, {}, json.dumps(entries).encode()
