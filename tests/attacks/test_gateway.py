"""The gateway between members who attack it, and a D-Wave that lies."""

import http.client
import json
import socket
import threading
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlsplit

import orjson
import pytest
from django.utils import timezone

from gateway import wire
from gateway.jobs import Job
from gateway.models import Problem
from gateway.submit import Booked
from organizations import services
from tests.gateway.conftest import gateway_address as gateway_address
from tests.gateway.conftest import gateway_app as gateway_app

SOLVERS = "/dwave/shared/lab/sapi/v2/solvers/remote/"
PROBLEMS = "/dwave/shared/lab/sapi/v2/problems/"


@pytest.fixture
def key(transactional_db, bob, lab_token):
    return services.issue_key(name="test", by=bob, now=timezone.now())[1]


@contextmanager
def lying(headers, status=200, body=b"[]"):
    """A D-Wave that answers everything so; the requests that it gets."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            requests.append((self.path, dict(self.headers)))
            self.send_response(status)
            for name, value in {"Content-Length": len(body), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/sapi/v2/", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(gateway_address, key, path=SOLVERS, method="GET", body=None, **headers):
    connection = http.client.HTTPConnection(urlsplit(gateway_address).netloc, timeout=60)
    try:
        connection.request(method, path, body, {"X-Auth-Token": key, **headers})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


class TestALyingDWave:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_the_token_is_not_sent_where_it_redirects_to(self, gateway_address, key, settings, status):
        with lying({}) as (elsewhere, theirs), lying({"Location": elsewhere}, status, b"") as (endpoint, _):
            settings.DWAVE_UPSTREAM_ENDPOINT = endpoint

            answer, _ = ask(gateway_address, key)

            assert answer.status >= 400
            assert answer.headers["Location"] is None
            assert theirs == []

    def test_none_of_its_headers_reach_the_browser_or_the_portals_cookies(self, gateway_address, key, settings):
        headers = {
            "Set-Cookie": "sessionid=planted; Path=/",
            "Access-Control-Allow-Origin": "*",
            "Location": "https://evil.example/",
            "Refresh": "0; url=https://evil.example/",
            "Content-Type": "text/html",
            "X-Planted": "yes",
        }
        with lying(headers, body=b"<script>alert(1)</script>") as (endpoint, _):
            settings.DWAVE_UPSTREAM_ENDPOINT = endpoint

            answer, body = ask(gateway_address, key)

            assert not {"Set-Cookie", "Access-Control-Allow-Origin", "Location", "Refresh", "X-Planted"} & {
                *answer.headers
            }
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert b"<script>" not in body

    def test_it_learns_nothing_of_the_member_but_their_program(self, gateway_address, key, settings):
        with lying({}) as (endpoint, requests):
            settings.DWAVE_UPSTREAM_ENDPOINT = endpoint
            headers = {"Cookie": "sessionid=1", "X-Forwarded-For": "6.6.6.6", "Referer": "https://a/", "X-Other": "1"}

            ask(gateway_address, key, **headers, **{"User-Agent": "ocean"})

            (_, got), *_ = requests
            assert got.keys() <= {"Host", "X-Auth-Token", "Accept", "Accept-Encoding", "User-Agent"}
            assert key not in str(requests)


class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            f"{SOLVERS}..%2f..%2fproblems",
            f"{SOLVERS}%2e%2e/%2e%2e/account",
            f"{SOLVERS}x%3fa=b",
            f"{SOLVERS}x%23",
            f"{SOLVERS}x%0d%0aX-Planted:%20yes",
            f"{PROBLEMS}..%2f..%2faccount/",
            f"{PROBLEMS}x%0d%0aX-Planted:%20yes/answer",
            "/dwave/shared/..%2f..%2fadmin/sapi/v2/solvers/remote/",
            "/dwave//evil.example/lab/sapi/v2/solvers/remote/",
        ],
    )
    def test_nothing_gets_into_the_address_upstream(self, gateway_address, key, settings, path):
        with lying({}) as (endpoint, requests):
            settings.DWAVE_UPSTREAM_ENDPOINT = endpoint

            answer, _ = ask(gateway_address, key, path)

            assert answer.status in {400, 404}
            assert {urlsplit(path).path for path, _ in requests} <= {"/sapi/v2/solvers/remote/"}


def test_nothing_goes_to_dwave_that_was_not_looked_at():
    """Whatever D-Wave may make of other names: nothing there may cost more than was booked."""
    solver = {"name": "small", "version": {"graph_id": "01", "id": "large"}, "id": "large"}
    known = {"type": "ising", "params": {"num_reads": 1}, "data": {"format": "qp"}}
    job = Job.parse({**known, "solver": solver, "label": "mine", "parameters": {"num_reads": 9}, "num_reads": 9})

    sent = Booked(job, Problem(pk=1)).as_sent()

    assert sent.pop("label").startswith("mine [luna:1:")
    assert sent == {**known, "solver": {"name": "small", "version": {"graph_id": "01"}}}


@pytest.mark.parametrize("upload_id", ["\0", "a\0b", "../1", "x" * 10_000])
class TestNamesOfUploads:
    def test_in_an_address(self, gateway_address, key, upload_id):
        path = f"/dwave/shared/lab/sapi/v2/bqm/multipart/{quote(upload_id, safe='')}/status"

        assert ask(gateway_address, key, path)[0].status == 404

    def test_in_a_problem(self, gateway_address, key, upload_id):
        data = {"format": "ref", "data": upload_id}
        problem = {"type": "bqm", "solver": {"name": "hybrid"}, "params": {"time_limit": 3}, "data": data}

        answer, body = ask(gateway_address, key, PROBLEMS, "POST", json.dumps([problem]))

        assert (answer.status, json.loads(body)[0]["error_code"]) == (200, 400)


class TestBodies:
    def post(self, gateway_address, key, body, **headers):
        return ask(gateway_address, key, PROBLEMS, "POST", body, **headers)[0].status

    def test_a_bomb_is_refused_before_it_is_whole(self, gateway_address, key):
        bomb = zlib.compress(b"[" * (wire.MAX_BODY_BYTES + 1))

        assert self.post(gateway_address, key, bomb, **{"Content-Encoding": "deflate"}) == 413

    @pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b"[" * 500 + b"]" * 500])
    def test_a_bomb_of_values_is_not_even_parsed(self, gateway_address, key, monkeypatch, value):
        """Some kilobytes, compressed, would become gigabytes of objects, and keep all others waiting."""
        monkeypatch.setattr(orjson, "loads", None)
        bomb = zlib.compress(b"[" + (value + b",") * (wire.MAX_VALUES // max(value.count(b"["), 1)) + b"1]")

        assert self.post(gateway_address, key, bomb, **{"Content-Encoding": "deflate"}) == 413

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 1_000_000,
            b'{"a":' * 100_000,
            b'[{"params": {"num_reads": 1e400}}]',
            b'[{"params": {"num_reads": NaN}}]',
            b'[{"params": {"num_reads": ' + b"9" * 100_000 + b"}}]",
            b'[{"label": "\\ud800"}]',
            json.dumps([{}] * 1001).encode(),
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_what_is_no_submission_is_refused_as_a_whole(self, gateway_address, key, body):
        assert self.post(gateway_address, key, body) == 400

    def test_without_a_key_nothing_of_it_is_read(self, gateway_address, transactional_db):
        """Who sends no valid key is answered before the body is there."""
        address = urlsplit(gateway_address)
        with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
            head = f"POST {PROBLEMS} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: x\r\nContent-Length: 60000000\r\n\r\n"
            connection.sendall(head.encode() + b"[")

            assert connection.recv(100).startswith(b"HTTP/1.1 401")

    def test_a_body_that_stops_gives_the_connection_back(self, gateway_address, key, monkeypatch):
        monkeypatch.setattr(wire, "SILENCE_SECONDS", 0.2)
        address = urlsplit(gateway_address)
        with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
            head = f"POST {PROBLEMS} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {key}\r\nContent-Length: 100\r\n\r\n"
            connection.sendall(head.encode() + b"[")

            assert connection.recv(100).startswith(b"HTTP/1.1 408")
