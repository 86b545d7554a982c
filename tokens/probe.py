"""Asks a provider whether it accepts a secret.

The secret goes into one header of one request. Of the answer nothing is handed on but names of solvers.
"""

import re
from dataclasses import dataclass

import orjson
import urllib3
from django.db.models import TextChoices

from .endpoints import EndpointNotAllowed, endpoint_of
from .models import Provider, QpuToken

SECONDS = 5.0  # to connect and to begin to answer; the browser waits meanwhile
MAX_ANSWER_BYTES = 1024 * 1024
MOST_NAMES = 5
PLAIN_NAME = re.compile(r"[a-z0-9][\w.+-]{0,79}", re.ASCII | re.IGNORECASE)

# What solvers are, without their hundreds of kilobytes of properties.
SOLVERS = "solvers/remote/?filter=none,%2Bidentity,%2Bstatus,%2Bproperties.category"
MEDIA_TYPE = "application/vnd.dwave.sapi.solver-definition-list+json; version=3.0.0"


class Outcome(TextChoices):
    ACCEPTED = "accepted", "Accepted"
    REFUSED = "refused", "Refused"
    UNREACHABLE = "unreachable", "Unreachable"
    UNTESTABLE = "untestable", "Untestable"


@dataclass(frozen=True)
class Finding:
    """What came of asking, with words for people."""

    outcome: Outcome
    message: str

    @property
    def works(self) -> bool | None:
        """Whether the provider accepts the secret; None where nothing was learned."""
        return {Outcome.ACCEPTED: True, Outcome.REFUSED: False}.get(self.outcome)


@dataclass(frozen=True)
class Solver:
    name: str
    is_qpu: bool


def ask_provider(token: QpuToken) -> Finding:
    """Ask whether the provider accepts the token's secret. Takes up to some seconds, and never fails."""
    if token.provider != Provider.DWAVE:
        name = Provider(token.provider).label
        return Finding(Outcome.UNTESTABLE, f"The portal cannot test tokens for {name}; the first job will tell.")
    try:
        endpoint = endpoint_of(token)
    except EndpointNotAllowed as error:
        return Finding(Outcome.UNTESTABLE, str(error))
    return ask_dwave(endpoint, token.secret)


def ask_dwave(endpoint: str, secret: str) -> Finding:
    """Ask D-Wave which solvers a secret opens."""
    try:
        status, body = get(f"{endpoint.rstrip('/')}/{SOLVERS}", secret)
    except urllib3.exceptions.HTTPError:
        return unreachable(endpoint)
    if status in {401, 403}:
        return Finding(
            Outcome.REFUSED,
            "D-Wave does not accept this token. Copy it again from Leap, from the project and region that you mean.",
        )
    if status >= 500 or status == 429:
        return unreachable(endpoint)
    try:
        solvers = read_solvers(body) if status == 200 else None
    except ValueError:
        solvers = None
    if solvers is None:
        return Finding(
            Outcome.UNREACHABLE, f"What answers at {endpoint} is not D-Wave's solver API. Check the endpoint."
        )
    return accepted([solver for solver in solvers if secret not in solver.name])


def get(url: str, secret: str) -> tuple[int, bytes]:
    """Status and body; of a body that is too long only its beginning. Follows no redirect and asks no proxy."""
    headers = {"X-Auth-Token": secret, "Accept": MEDIA_TYPE, "User-Agent": "luna-portal"}
    with (
        urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=SECONDS)) as http,
        http.request(
            "GET", url, headers=headers, redirect=False, preload_content=False, decode_content=False
        ) as answer,
    ):
        return answer.status, answer.read(MAX_ANSWER_BYTES)


def read_solvers(body: bytes) -> list[Solver]:
    """The solvers in a list that can be used now; ValueError if it is no such list."""
    try:
        return [
            Solver(name=entry["identity"]["name"], is_qpu=entry["properties"]["category"] == "qpu")
            for entry in orjson.loads(body)
            if entry["status"] == "ONLINE" and PLAIN_NAME.fullmatch(entry["identity"]["name"])
        ]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        raise ValueError("not a list of solvers") from None


def accepted(solvers: list[Solver]) -> Finding:
    if not solvers:
        return Finding(Outcome.ACCEPTED, "D-Wave accepts this token, but offers no solver for it at the moment.")
    qpus = sum(solver.is_qpu for solver in solvers)
    kinds = [
        counted(number, noun) for number, noun in [(qpus, "QPU"), (len(solvers) - qpus, "hybrid solver")] if number
    ]
    names = [solver.name for solver in solvers[:MOST_NAMES]]
    more = [f"{len(solvers) - MOST_NAMES} more"] if len(solvers) > MOST_NAMES else []
    return Finding(
        Outcome.ACCEPTED,
        f"D-Wave accepts this token: {' and '.join(kinds)} can be used ({', '.join(names + more)}).",
    )


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unreachable(endpoint: str) -> Finding:
    return Finding(Outcome.UNREACHABLE, f"D-Wave could not be reached at {endpoint}. Try again in a minute.")
