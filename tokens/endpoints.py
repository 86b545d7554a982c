"""Where a D-Wave token's jobs go: to the portal's default, or to another host that the operator allows, a region's.

The portal sends the secret there, from inside the operator's network, and tells what came back. So members choose
among hosts, never freely.
"""

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError

from .addresses import parse_address
from .models import Provider, QpuToken

MAX_LENGTH = 200


class EndpointNotAllowed(PermissionDenied):
    """The operator has taken a token's host from the list since it was chosen."""


def allowed_origins() -> list[str]:
    """Schemes, hosts and ports that endpoints may have; that of the portal's default is always among them."""
    default = parse_address(settings.DWAVE_UPSTREAM_ENDPOINT).origin
    return list(dict.fromkeys([default, *settings.DWAVE_ENDPOINT_HOSTS]))


def clean_endpoint(value: str, provider: str) -> str:
    """An endpoint in its one form, with one slash at its end; empty is the portal's default."""
    endpoint = value.strip()
    if not endpoint:
        return ""
    if provider != Provider.DWAVE:
        raise ValidationError({"endpoint": "Only tokens for D-Wave have an endpoint."})
    try:
        address = parse_address(endpoint)
    except ValueError:
        raise ValidationError({"endpoint": f"Enter an address of a host and a path. {hosts_in_words()}"}) from None
    if address.origin not in allowed_origins():
        raise ValidationError({"endpoint": f"The portal does not send tokens to this host. {hosts_in_words()}"})
    if len(str(address)) > MAX_LENGTH:
        raise ValidationError({"endpoint": f"An endpoint has at most {MAX_LENGTH} characters."})
    return str(address)


def hosts_in_words() -> str:
    return f"Allowed hosts: {', '.join(allowed_origins())}."


def is_allowed(endpoint: str) -> bool:
    try:
        return parse_address(endpoint).origin in allowed_origins()
    except ValueError:
        return False


def endpoint_of(token: QpuToken) -> str:
    """Where jobs on a D-Wave token go. EndpointNotAllowed if the operator does not allow its host any more."""
    if not token.endpoint:
        endpoint: str = settings.DWAVE_UPSTREAM_ENDPOINT
        return endpoint
    if not is_allowed(token.endpoint):
        raise EndpointNotAllowed(
            f"The portal's operator does not allow the endpoint {token.endpoint} any more. "
            "Whoever manages this token can choose another one."
        )
    return token.endpoint
