"""Asking D-Wave whether it accepts a token: in words, in time, and without telling anybody the secret."""

import gzip
import json
import logging

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Event
from tests.conftest import SECRET
from tokens import probe
from tokens.models import QpuToken
from tokens.probe import ask_dwave
from tokens.services import delete_token, move_token, probe_token, replace_secret, upload_token

from .conftest import solvers

URL = "/api/v1/organizations/acme/qpu-tokens"
LAB = f"{URL}/group/lab"
NEW = {"scope": "group", "provider": "dwave", "name": "new", "token": SECRET}
WRONG = "DEV-another-canary-0123456789abcdef"


def known():
    return QpuToken.objects.values_list("works", "tested_at").get()


class TestWords:
    def test_a_good_token_tells_what_can_be_used(self, dwave):
        finding = ask_dwave(dwave.endpoint, SECRET)

        assert (finding.outcome, finding.works) == ("accepted", True)
        assert finding.message == (
            "D-Wave accepts this token: 2 QPUs and 3 hybrid solvers can be used (Advantage_emulator1.1, "
            "Advantage2_emulator1.1, hybrid_binary_quadratic_model_emulator1, "
            "hybrid_constrained_quadratic_model_emulator1, hybrid_nonlinear_program_emulator1)."
        )

    def test_solvers_that_are_offline_cannot_be_used(self, dwave):
        dwave.configure(offline=["Advantage_emulator1.1", "hybrid_nonlinear_program_emulator1"])

        assert "1 QPU and 2 hybrid solvers can" in ask_dwave(dwave.endpoint, SECRET).message

    def test_a_wrong_token(self, dwave):
        finding = ask_dwave(dwave.endpoint, WRONG)

        assert (finding.outcome, finding.works) == ("refused", False)
        assert finding.message.startswith("D-Wave does not accept this token. Copy it again from Leap")

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (solvers(), "no solver for it at the moment"),
            (solvers("A", category="hybrid"), ": 1 hybrid solver can be used (A)."),
            (solvers(*"ABCDEFG"), ": 7 QPUs can be used (A, B, C, D, E, 2 more)."),
            (
                solvers("A", "<b>", "a b", "x" * 81, "\u202e", "A\u0308", "caf\u00e9", "-", ""),
                ": 1 QPU can be used (A).",
            ),
        ],
    )
    def test_other_lists_of_solvers(self, server, answer, words):
        endpoint, _ = server(lambda request: answer)

        assert words in ask_dwave(endpoint, SECRET).message

    @pytest.mark.parametrize("status", [401, 403])
    def test_either_way_of_saying_so(self, server, status):
        endpoint, _ = server(lambda request: (status, {}, b"no"))

        assert ask_dwave(endpoint, SECRET).outcome == "refused"

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    def test_a_dwave_in_trouble_says_nothing_of_the_token(self, server, status):
        endpoint, _ = server(lambda request: (status, {"Retry-After": "60"}, b"busy"))

        finding = ask_dwave(endpoint, SECRET)

        assert (finding.outcome, finding.works) == ("unreachable", None)
        assert finding.message == f"D-Wave could not be reached at {endpoint}. Try again in a minute."

    def test_nor_does_one_that_is_not_there(self, settings):
        assert ask_dwave(settings.DWAVE_UPSTREAM_ENDPOINT, SECRET).outcome == "unreachable"

    @pytest.mark.parametrize(
        "fault", [{"kind": "drop"}, {"kind": "cut"}, {"kind": "hang", "seconds": 1}, {"kind": "delay", "seconds": 1}]
    )
    def test_nor_does_one_that_does_not_finish(self, dwave, monkeypatch, fault):
        monkeypatch.setattr(probe, "SECONDS", 0.4)
        dwave.fault("solvers", **fault)

        assert ask_dwave(dwave.endpoint, SECRET).outcome == "unreachable"

    @pytest.mark.parametrize(
        "answer",
        [
            (404, {}, b"Not found"),
            (200, {}, b""),
            (200, {}, b"<html>Welcome</html>"),
            (200, {}, b"{}x"),
            (200, {}, b'{"solvers": []}'),
            (200, {}, b"[1]"),
            (200, {}, b"[{}]"),
            (200, {}, b'[{"identity": {"name": 1}, "status": "ONLINE", "properties": {"category": "qpu"}}]'),
            (200, {}, b'[{"identity": [], "status": "ONLINE", "properties": {"category": "qpu"}}]'),
            (200, {}, b"null"),
            (200, {}, b"[" * 100_000),
            (200, {}, b'["\xff"]'),
            (200, {}, b" " * probe.MAX_ANSWER_BYTES + b"[]"),
            (200, {"Content-Encoding": "gzip"}, gzip.compress(b"[]")),
            (204, {}, b""),
        ],
        ids=range(15),
    )
    def test_what_is_not_dwave_is_told_apart(self, server, answer):
        endpoint, _ = server(lambda request: answer)

        finding = ask_dwave(endpoint, SECRET)

        assert finding.outcome == "unreachable"
        assert finding.message == f"What answers at {endpoint} is not D-Wave's solver API. Check the endpoint."

    @pytest.mark.parametrize("provider", ["ibm", "qctrl", "aws"])
    def test_others_cannot_be_asked(self, alice, provider):
        token = upload_token(scope="group", provider=provider, name="lab", secret=SECRET, by=alice)

        finding = probe_token(token=token, now=timezone.now())

        assert (finding.outcome, finding.works) == ("untestable", None)
        assert f"cannot test tokens for {token.get_provider_display()}" in finding.message

    def test_nor_is_a_host_that_is_not_allowed_any_more(self, alice, server, settings, lab_token):
        endpoint, requests = server(lambda request: solvers("A"))
        settings.DWAVE_ENDPOINT_HOSTS = [endpoint.removesuffix("/sapi/v2/")]
        move_token(token=lab_token, endpoint=endpoint, by=alice)
        settings.DWAVE_ENDPOINT_HOSTS = []

        finding = probe_token(token=lab_token, now=timezone.now())

        assert finding.outcome == "untestable"
        assert "operator does not allow the endpoint" in finding.message
        assert requests == []


class TestTheRequest:
    def test_it_carries_the_secret_in_one_header_and_nothing_of_ours(self, server):
        endpoint, requests = server(lambda request: solvers("A"))

        ask_dwave(endpoint, SECRET)

        (request,) = requests
        assert request.path.startswith("/sapi/v2/solvers/remote/?filter=none,")
        headers = dict(request.headers)
        assert headers.pop("X-Auth-Token") == SECRET
        assert set(headers) == {"Host", "Accept", "Accept-Encoding", "User-Agent"}
        assert SECRET not in f"{request.path} {headers}"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_it_follows_no_redirect(self, server, status):
        elsewhere, requests = server(lambda request: solvers("A"))
        endpoint, _ = server(lambda request: (status, {"Location": elsewhere}, b""))

        assert ask_dwave(endpoint, SECRET).outcome == "unreachable"
        assert requests == []

    def test_it_asks_no_proxy_and_no_netrc(self, server, dwave, monkeypatch, tmp_path):
        proxy, requests = server(lambda request: solvers("A"))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password lovelace\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

        assert ask_dwave(dwave.endpoint, SECRET).outcome == "accepted"
        assert requests == []

    def test_it_is_not_repeated(self, server):
        endpoint, requests = server(lambda request: (503, {"Retry-After": "0"}, b""))

        ask_dwave(endpoint, SECRET)

        assert len(requests) == 1


class TestWhatIsKept:
    def test_a_good_and_a_bad_outcome(self, dwave, lab_token):
        now = timezone.now()
        probe_token(token=lab_token, now=now)
        assert known() == (True, now)
        assert (lab_token.works, lab_token.tested_at) == (True, now)

        dwave.revoke_tokens(SECRET)
        probe_token(token=lab_token, now=now)
        assert known() == (False, now)

    def test_from_silence_nothing_is_learned(self, dwave, lab_token):
        now = timezone.now()
        probe_token(token=lab_token, now=now)
        dwave.fault("solvers", "status", status=503)

        probe_token(token=lab_token, now=timezone.now())

        assert known() == (True, now)

    @pytest.mark.parametrize(
        "change", [{"secret": "another", "now": timezone.now()}, {"endpoint": "https://cloud.dwavesys.com/"}]
    )
    def test_what_was_learned_of_what_is_gone_by_then_is_not_kept(self, server, settings, alice, lab_token, change):
        act = replace_secret if "secret" in change else move_token
        settings.DWAVE_UPSTREAM_ENDPOINT, _ = server(lambda request: solvers("A"))
        asked = QpuToken.objects.defer(None).get()
        act(token=lab_token, by=alice, **change)

        assert probe_token(token=asked, now=timezone.now()).works
        assert known() == (asked.works, asked.tested_at) == (None, None)

    def test_a_token_that_is_gone_by_then_stays_gone(self, dwave, alice, lab_token):
        asked = QpuToken.objects.defer(None).get()
        delete_token(token=lab_token, by=alice)

        assert probe_token(token=asked, now=timezone.now()).works
        assert not QpuToken.objects.exists()


class TestRestApi:
    def test_who_manages_the_token_tests_it(self, api, dwave, alice, lab_token):
        answer = api(alice).post(f"{LAB}/test")

        assert answer.status_code == 200
        token = answer.json()
        assert token["test"]["outcome"] == "accepted"
        assert "2 QPUs" in token["test"]["message"]
        assert token["works"] is True
        assert token["tested_at"]
        assert api(alice).get(LAB).json() == {name: value for name, value in token.items() if name != "test"}

    def test_others_do_not(self, api, dwave, bob, charlie, lab_token, bobs_token):
        assert api(bob).post(f"{LAB}/test").status_code == 403
        assert api(charlie).post(f"{LAB}/test").status_code == 404
        assert api(bob).post(f"{URL}/personal/mine/test").status_code == 200
        assert QpuToken.objects.get(name="lab").works is None

    def test_testing_for_ever_is_429(self, api, alice, lab_token, monkeypatch):
        monkeypatch.setattr("rest_framework.throttling.ScopedRateThrottle.THROTTLE_RATES", {"token_tests": "2/minute"})
        client = api(alice)

        answers = [client.post(f"{LAB}/test") for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1]["Retry-After"]

    def test_uploads_and_replacements_count_and_are_stored_untested_then(self, api, dwave, alice, monkeypatch):
        monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.THROTTLE_RATES", {"token_tests": "2/minute"})
        client = api(alice)
        client.post(URL, NEW, format="json")
        client.put(f"{URL}/group/{NEW['name']}/secret", {"token": WRONG}, format="json")

        replaced = client.put(f"{URL}/group/{NEW['name']}/secret", {"token": SECRET}, format="json")
        uploaded = client.post(URL, NEW | {"name": "another"}, format="json")

        assert (replaced.status_code, uploaded.status_code) == (200, 201)
        assert [answer.json()["test"]["outcome"] for answer in (replaced, uploaded)] == ["untestable"] * 2
        assert {token.secret for token in QpuToken.objects.all()} == {SECRET}
        assert client.post(f"{URL}/group/another/test").status_code == 429

    @pytest.mark.parametrize(("secret", "works"), [(SECRET, True), (WRONG, False)])
    def test_an_upload_is_tested_and_stored_in_any_case(self, api, dwave, alice, secret, works):
        answer = api(alice).post(URL, NEW | {"token": secret}, format="json")

        assert answer.status_code == 201
        assert answer.json()["works"] is works
        assert answer.json()["test"]["outcome"] == ("accepted" if works else "refused")
        assert QpuToken.objects.get().secret == secret

    def test_a_dwave_that_is_not_there_loses_no_upload(self, api, alice):
        answer = api(alice).post(URL, NEW, format="json")

        assert answer.status_code == 201
        assert answer.json()["works"] is None
        assert answer.json()["test"]["outcome"] == "unreachable"
        assert QpuToken.objects.get().secret == SECRET

    def test_a_replacement_is_tested_and_stored_in_any_case(self, api, dwave, alice, lab_token):
        for secret, works in [(WRONG, False), (SECRET, True)]:
            answer = api(alice).put(f"{LAB}/secret", {"token": secret}, format="json")
            assert answer.status_code == 200
            assert answer.json()["works"] is works
            assert answer.json()["test"]["outcome"] == ("accepted" if works else "refused")
            assert QpuToken.objects.get().secret == secret

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        ("method", "url", "body"),
        [("post", URL, NEW), ("put", f"{LAB}/secret", {"token": "another"}), ("post", f"{LAB}/test", {})],
    )
    def test_dwave_is_asked_outside_of_any_transaction_and_after_it(
        self, api, alice, lab_token, monkeypatch, method, url, body
    ):
        seen = []
        monkeypatch.setattr("tokens.probe.get", lambda *args: (seen.append(connection.in_atomic_block), (401, b""))[1])

        assert getattr(api(alice), method)(url, body, format="json").status_code in {200, 201}
        assert seen == [False]

    def test_the_luna_api_asks_nobody(self, api, alice, monkeypatch):
        monkeypatch.setattr("tokens.probe.get", lambda *args: pytest.fail("D-Wave was asked"))
        body = {"name": "new", "provider": "dwave", "token": SECRET}

        answer = api(alice).post("/luna-solve/api/v1/qpu-tokens/shared", body, format="json")

        assert answer.status_code == 201


class TestNobodyLearnsTheSecret:
    """Each secret is searched for in all that the portal says and writes, whatever D-Wave answers."""

    def echo(self, request):
        secret = request.headers["X-Auth-Token"]
        entry = {"status": "ONLINE", "properties": {"category": "qpu"}}
        names = [secret, f"Advantage-{secret}", "Advantage1"]
        body = json.dumps([entry | {"identity": {"name": name}} for name in names]).encode()
        return 200, {"Content-Type": secret, "ETag": secret, "Set-Cookie": secret}, body

    REPLIES = {
        "names": echo,
        "an error": lambda self, request: (500, {"X-Token": SECRET}, request.headers["X-Auth-Token"].encode()),
        "a refusal": lambda self, request: (401, {}, request.headers["X-Auth-Token"].encode()),
        "a redirect": lambda self, request: (302, {"Location": f"/{SECRET}"}, b""),
        "no JSON": lambda self, request: (200, {}, f'["{SECRET}'.encode()),
        "a wrong length": lambda self, request: (200, {"Content-Length": "999"}, SECRET.encode()),
        "a wrong header": lambda self, request: (200, {"Content-Length": SECRET}, b""),
    }

    @pytest.mark.parametrize("reply", REPLIES)
    def test_whatever_dwave_answers(self, api, alice, server, settings, caplog, capfd, reply):
        settings.DWAVE_UPSTREAM_ENDPOINT, requests = server(lambda request: self.REPLIES[reply](self, request))
        caplog.set_level(logging.DEBUG)
        client = api(alice)

        answers = [
            client.post(URL, NEW | {"name": "lab"}, format="json"),
            client.put(f"{LAB}/secret", {"token": WRONG}, format="json"),
            client.put(f"{LAB}/secret", {"token": SECRET}, format="json"),
            client.post(f"{LAB}/test"),
            client.patch(LAB, {"endpoint": "https://evil.example.com/"}, format="json"),
            client.get(LAB),
            client.get(URL),
            client.get("/api/v1/organizations/acme/audit"),
        ]

        assert len(requests) == 4
        said = [answer.content.decode() + str(answer.headers) for answer in answers]
        logged = [
            f"{record.getMessage()} {record.__dict__}"
            for record in caplog.records
            if record.name != "django.db.backends"
        ]
        everything = "\n".join([*said, *logged, *map(str, Event.objects.values_list()), *capfd.readouterr()])
        for canary in (SECRET, WRONG):
            assert canary not in everything
