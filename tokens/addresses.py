"""Addresses of providers, read strictly. Imported by the settings: nothing here may touch Django's own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

# Only what every reader of an address understands in the same way: no user info, no query, no fragment, no escapes, no
# foreign letters. A host that looks like one of ours to one reader and like another to the next would get the secret.
ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/[\w.~-]+)*)/?",
    re.ASCII | re.IGNORECASE,
)
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """An address in its one form: `origin` is its scheme, host and port; `path` begins and ends with a slash."""

    origin: str
    path: str

    def __str__(self) -> str:
        return self.origin + self.path


def parse_address(text: str) -> Address:
    """Take an absolute address apart; ValueError if it is none, or not a plain one."""
    match = ADDRESS.fullmatch(text)
    if match is None or {".", ".."} & set(match["path"].split("/")):
        raise ValueError("not a plain address")
    scheme, host, port = match["scheme"].lower(), match["host"].lower(), int(match["port"] or 0)
    if port > 65_535:
        raise ValueError("not a port")
    suffix = f":{port}" if port not in {0, DEFAULT_PORTS[scheme]} else ""
    return Address(f"{scheme}://{host}{suffix}", f"{match['path']}/")


def parse_origin(text: str) -> str:
    """The origin that a host stands for: https, unless it carries a scheme. ValueError if it is more than a host."""
    address = parse_address(text if "://" in text else f"https://{text}")
    if address.path != "/":
        raise ValueError("more than a host")
    return address.origin


def validate_endpoint(value: str) -> str:
    """The portal's own endpoint, with one slash at its end."""
    try:
        return str(parse_address(value))
    except ValueError:
        raise ImproperlyConfigured(
            "DWAVE_UPSTREAM_ENDPOINT must look like https://cloud.dwavesys.com/sapi/v2/."
        ) from None


def validate_hosts(entries: Iterable[str]) -> list[str]:
    """The origins that the operator's list of hosts stands for."""
    origins = []
    for position, entry in enumerate(entries, start=1):
        try:
            origins.append(parse_origin(entry.strip()))
        except ValueError:
            raise ImproperlyConfigured(
                f"DWAVE_ENDPOINT_HOSTS: entry {position} is not a host such as na-west-1.cloud.dwavesys.com "
                "or http://127.0.0.1:8001."
            ) from None
    return origins
