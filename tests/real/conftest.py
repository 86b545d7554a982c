"""D-Wave itself, a portal that sends jobs there with a real token, and programs of members of that portal.

    DWAVE_TOKEN=... ./dev test -m real tests/real

The token comes from the environment, so that it stands in no list of processes, and is printed nowhere. A quota in the
portal sees to it that no run costs more than its budget.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from dwave.cloud import Client
from dwave.cloud.coders import encode_problem_as_qp
from dwave.cloud.solver import StructuredSolver

from quotas.units import human
from tests.tours.conftest import Portal, running_portal

DWAVE = "https://cloud.dwavesys.com/sapi/v2/"
BUDGET_NS = 1_000_000_000
TOUR_BUDGET_NS = 6_000_000_000
MEMBER, ADMIN = "member@example.com", "admin@example.com"


class Token(str):
    """A secret that tracebacks do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[hidden]'"


TOKEN = Token(os.environ.pop("DWAVE_TOKEN", ""))  # no process that the tests start shall have it


def without_token(text: str) -> str:
    return text.replace(TOKEN, "[hidden]") if TOKEN else text


# --- What pytest does with these tests --------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("real", "D-Wave's real service")
    group.addoption("--dwave-endpoint", default=DWAVE, help=f"Another region, for example; default {DWAVE}")
    group.addoption("--dwave-solver", help="Name of a QPU; by default the one that Ocean chooses.")


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    if not any(item.get_closest_marker(name) for item in items for name in ("real", "real_tour")):
        return []
    return [f"Jobs go to {config.getoption('dwave_endpoint')}, for {human(budget_ns(items))} at most."]


def budget_ns(items: list[pytest.Item]) -> int:
    """How much QPU access time these tests may take."""
    with_tour = any(item.get_closest_marker("real_tour") for item in items)
    return BUDGET_NS + (TOUR_BUDGET_NS if with_tour else 0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep the token out of everything that is told of a failure."""
    report = yield
    if report.longrepr and without_token(str(report.longrepr)) != str(report.longrepr):
        report.longrepr = without_token(str(report.longrepr))
    report.sections = [(name, without_token(text)) for name, text in report.sections]
    return report


@dataclass
class Findings:
    """What a run has found out, for its end."""

    intro: list[str] = field(default_factory=list)
    presumptions: dict[str, str] = field(default_factory=dict)
    costs: list[tuple[str, int, int, int]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        yield from self.intro
        if self.costs:
            yield ""
            yield f"{'job':<28}{'estimate':>12}{'reserved':>12}{'cost':>12}  above the estimate"
        for name, estimate_ns, reserved_ns, cost_ns in self.costs:
            above = 100 * (cost_ns - estimate_ns) / estimate_ns
            times = "".join(f"{human(ns):>12}" for ns in (estimate_ns, reserved_ns, cost_ns))
            yield f"{name:<28}{times}  {above:+.2f} %{'' if cost_ns <= reserved_ns else '  MORE THAN RESERVED'}"
        if self.costs:
            needed = max(100 * (cost_ns - estimate_ns) / estimate_ns for _, estimate_ns, _, cost_ns in self.costs)
            yield f"GATEWAY_MARGIN_PERCENT has to be at least {max(0, needed):.2f} for these jobs."
        yield ""
        yield from (f"{presumption}: {answer}" for presumption, answer in self.presumptions.items())


FINDINGS = pytest.StashKey[Findings]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FINDINGS] = Findings()


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if (findings := config.stash[FINDINGS]).intro:
        terminalreporter.section("D-Wave")
        terminalreporter.write_line(without_token("\n".join(findings.lines())))


@pytest.fixture(scope="session")
def findings(pytestconfig: pytest.Config) -> Findings:
    return pytestconfig.stash[FINDINGS]


@pytest.fixture
def found(request, findings):
    """found(answer): keep what D-Wave does where the portal only presumes it; named by the test."""
    presumption = request.node.name.removeprefix("test_").replace("_", " ")
    findings.presumptions[presumption] = "NOT AS PRESUMED"

    def keep(answer: object = "yes") -> None:
        findings.presumptions[presumption] = str(answer)

    return keep


# --- D-Wave itself ----------------------------------------------------------------------------------------------------


class Sapi:
    """A program without Ocean, at D-Wave or at the portal."""

    def __init__(self, endpoint: str, token: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = token

    def ask(self, path: str, kind: str = "problems", *, method: str = "GET", **options) -> requests.Response:
        """The answer to a request, which must be of the kind and the version that Ocean insists on."""
        media_type = f"application/vnd.dwave.sapi.{kind}+json"
        headers = {"Accept": f"{media_type}; version=3.0.0", **options.pop("headers", {})}
        answer = self.session.request(method, f"{self.endpoint}/{path}", headers=headers, timeout=60, **options)
        if answer.ok and answer.status_code != 304:
            assert answer.headers["Content-Type"].startswith(f"{media_type}"), answer.headers["Content-Type"]
            assert "version=3." in answer.headers["Content-Type"]
        return answer


@pytest.fixture(scope="session")
def endpoint(pytestconfig: pytest.Config) -> str:
    return pytestconfig.getoption("dwave_endpoint")


@pytest.fixture(scope="session")
def dwave(endpoint: str) -> Sapi:
    """D-Wave without the portal, for questions that cost nothing."""
    if not TOKEN:
        pytest.exit("These tests need an API token of D-Wave's in the environment variable DWAVE_TOKEN.", 2)
    sapi = Sapi(endpoint, TOKEN)
    try:
        status = sapi.ask("solvers/remote/?filter=none,%2Bidentity", "solver-definition-list").status_code
    except requests.RequestException as error:
        reason = type(error).__name__
        pytest.exit(f"{endpoint} cannot be reached ({reason}).", 2)
    if status != 200:
        pytest.exit(f"{endpoint} does not accept the token in DWAVE_TOKEN (HTTP {status}).", 2)
    return sapi


# --- The portal -------------------------------------------------------------------------------------------------------


class Books:
    """The ledger of the portal, as its admin sees it by API."""

    def __init__(self, portal: Portal, key: str) -> None:
        self.url = f"{portal.url}/api/v1/organizations/tour"
        self.session = requests.Session()
        self.session.headers["Luna-API-Key"] = key

    def lines(self, count: int = 500) -> list[dict]:
        """The newest lines, newest first."""
        answer = self.session.get(f"{self.url}/usage", params={"of": "organization", "limit": count}, timeout=30)
        answer.raise_for_status()
        return answer.json()["results"]

    def lines_without_open_ones(self) -> list[dict]:
        """All lines, when nothing is open any more: what nobody fetches is settled by the reconciler."""
        deadline = time.monotonic() + 120
        while "reserved" in {line["status"] for line in self.lines()}:
            assert time.monotonic() < deadline, "Some jobs stay open."
            time.sleep(1)
        return self.lines()

    def give(self, quota_ns: int, to: str) -> None:
        """Set a quota, for the `group` or for one of the `users`."""
        quotas = f"{self.url}/qpu-tokens/group/real/quotas"
        self.session.post(f"{quotas}/{to}", json={"quota_ns": quota_ns}, timeout=30).raise_for_status()


@pytest.fixture(scope="session")
def portal(request, dwave: Sapi, endpoint: str, findings: Findings, tmp_path_factory) -> Iterator[Portal]:
    folder: Path = tmp_path_factory.mktemp("portal")
    with running_portal(folder, endpoint) as running:
        findings.intro.append(
            f"Jobs ran at {endpoint}. The portal let them have {human(budget_ns(request.session.items))} at most."
        )
        yield running


@pytest.fixture(scope="session")
def admin_key(portal: Portal) -> str:
    return portal.key_of(ADMIN, "admin")


@pytest.fixture(scope="session")
def member_key(portal: Portal) -> str:
    return portal.key_of(MEMBER, "member")


@pytest.fixture(scope="session")
def books(request, portal: Portal, admin_key: str, findings: Findings) -> Iterator[Books]:
    """The portal's ledger, once the organization has its token and a group quota."""
    books = Books(portal, admin_key)
    body = {"name": "real", "provider": "dwave", "token": TOKEN}
    uploaded = books.session.post(f"{portal.url}/luna-solve/api/v1/qpu-tokens/shared", json=body, timeout=60)
    assert uploaded.status_code < 300, uploaded.status_code
    books.give(budget_ns(request.session.items), "group")
    yield books
    spent = sum(line["access_time_ns"] or 0 for line in books.lines())
    findings.intro.append(f"They cost {human(spent)} ({spent:,} ns), as the portal's ledger says.")


@pytest.fixture(scope="session")
def gateway(portal: Portal, books: Books) -> str:
    """Where members find the real token."""
    return f"{portal.url}/dwave/shared/real/sapi/v2"


@pytest.fixture(scope="session")
def member(gateway: str, member_key: str) -> Sapi:
    """A member's program without Ocean."""
    return Sapi(gateway, member_key)


@pytest.fixture(scope="session")
def qpu(gateway: str, member_key: str, pytestconfig: pytest.Config, tmp_path_factory) -> Iterator[StructuredSolver]:
    """A QPU, as a member sees it through Ocean."""
    os.environ["DWAVE_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    with Client(endpoint=gateway, token=member_key) as client:
        name = pytestconfig.getoption("dwave_solver")
        yield client.get_solver(**({"name": name} if name else {"qpu": True, "order_by": "-num_active_qubits"}))


def job_for(qpu: StructuredSolver, **params) -> dict:
    """A problem of one qubit, by default with one read, as it goes over the wire."""
    return {
        "solver": {"name": qpu.name, "version": {"graph_id": qpu.graph_id}},
        "type": "ising",
        "params": {"num_reads": 1} | params,
        "data": encode_problem_as_qp(qpu, {min(qpu.nodes): 1}, {}),
    }
