"""The control interface: what tests and people at the keyboard tell the emulator. It needs no token."""

from aiohttp import web

from .errors import SapiError
from .faults import Fault
from .wire import SERVICE, plain_json, read_json


async def get_settings(request: web.Request) -> web.Response:
    return plain_json(request.app[SERVICE].settings.as_dict())


async def change_settings(request: web.Request) -> web.Response:
    """Change the settings named in the body; answers all of them."""
    changes = await read_json(request)
    if not isinstance(changes, dict):
        raise SapiError(400, "Settings are a JSON object")
    try:
        request.app[SERVICE].settings.change(changes)
    except ValueError as error:
        raise SapiError(400, str(error)) from error
    return await get_settings(request)


async def get_faults(request: web.Request) -> web.Response:
    return plain_json([vars(fault) for fault in request.app[SERVICE].faults.all])


async def add_fault(request: web.Request) -> web.Response:
    """Add one fault, or a list of them; answers all that are set."""
    raw = await read_json(request)
    try:
        faults = [Fault.read(each) for each in (raw if isinstance(raw, list) else [raw])]
    except ValueError as error:
        raise SapiError(400, str(error)) from error
    request.app[SERVICE].faults.all.extend(faults)
    return await get_faults(request)


async def clear_faults(request: web.Request) -> web.Response:
    request.app[SERVICE].faults.all.clear()
    return plain_json([])


async def change_tokens(request: web.Request) -> web.Response:
    """Make tokens valid (`add`) or invalid (`revoke`); what runs goes on."""
    changes = await read_json(request)
    if not isinstance(changes, dict) or not changes.keys() <= {"add", "revoke"}:
        raise SapiError(400, "Give lists of tokens to add or to revoke")
    service = request.app[SERVICE]
    added, revoked = set(changes.get("add", [])), set(changes.get("revoke", []))
    service.tokens = (service.tokens | added) - revoked
    service.revoked = (service.revoked - added) | revoked
    return plain_json(sorted(service.tokens))


async def get_ledger(request: web.Request) -> web.Response:
    """What really ran, per token, with sums; `?token=` for one only."""
    service = request.app[SERVICE]
    wanted = request.query.get("token")
    tokens = {wanted} if wanted else service.tokens | {entry.token for entry in service.ledger.entries()}
    return plain_json(service.ledger.report(sorted(tokens)))


async def get_problems(request: web.Request) -> web.Response:
    """All problems of all tokens."""
    problems = request.app[SERVICE].problems.everything()
    return plain_json([{"token": problem.token} | problem.as_status() for problem in problems])


async def reset(request: web.Request) -> web.Response:
    """Forget everything that happened since the start."""
    request.app[SERVICE].reset()
    return plain_json({})
