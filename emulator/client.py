"""The control interface from Python: for tests and scripts, with nothing but the standard library."""

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit


class Emulator:
    """An emulator that runs somewhere, known by the endpoint that D-Wave clients use."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._address = urlsplit(endpoint).netloc

    def configure(self, **settings: object) -> None:
        """Change settings."""
        self._call("POST", "/control/settings", settings)

    def fault(self, on: str, kind: str, **details: object) -> None:
        """Add a fault."""
        self._call("POST", "/control/faults", {"on": on, "kind": kind} | details)

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are set; `times` is how often each is still to come."""
        faults: list[dict[str, Any]] = self._call("GET", "/control/faults")
        return faults

    def clear_faults(self) -> None:
        self._call("DELETE", "/control/faults")

    def add_tokens(self, *tokens: str) -> None:
        self._call("POST", "/control/tokens", {"add": tokens})

    def revoke_tokens(self, *tokens: str) -> None:
        self._call("POST", "/control/tokens", {"revoke": tokens})

    def ledger(self, token: str) -> dict[str, Any]:
        """What really ran for a token: `problems`, `charged_ns`, `deducted_ns` and `entries`."""
        ledger: dict[str, Any] = self._call("GET", f"/control/ledger?{urlencode({'token': token})}")[token]
        return ledger

    def problems(self) -> list[dict[str, Any]]:
        """The statuses of all problems, with their tokens."""
        problems: list[dict[str, Any]] = self._call("GET", "/control/problems")
        return problems

    def reset(self) -> None:
        """Back to the state of the start."""
        self._call("POST", "/control/reset")

    def _call(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"{method} {path}: {response.status} {text.decode()}")
        return json.loads(text)
