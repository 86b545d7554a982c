"""Data of hybrid problems, uploaded in parts. An upload belongs to who began it."""

import orjson
from starlette.responses import Response

from . import services
from .calls import Call
from .problems import write
from .upstream import Answer
from .wire import Refusal, is_plain, not_found, read_body, unavailable

MAX_NUMBER = 10_000  # parts of 5 MiB


async def begin(call: Call) -> Response:
    """POST bqm/multipart {"size": bytes}: answers {"id": …}."""
    reply = await write(call.upstream, "POST", "bqm/multipart", await read_body(call.request), call.headers("json"))
    if reply.ok:
        await call.in_database(services.keep_upload, call.door, upload_id_in(reply))
    return passed_on(reply)


def upload_id_in(reply: Answer) -> str:
    try:
        upload_id = orjson.loads(reply.body)["id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise unavailable() from None
    if not is_plain(upload_id):
        raise unavailable()
    return upload_id


async def put_part(call: Call) -> Response:
    number = call.request.path_params["number"]
    if not 1 <= number <= MAX_NUMBER:
        raise Refusal(400, f"The number of a part must be 1 to {MAX_NUMBER}.")
    return await on_own(call, "PUT", f"part/{number}")


async def show_status(call: Call) -> Response:
    return await on_own(call, "GET", "status")


async def combine(call: Call) -> Response:
    return await on_own(call, "POST", "combine")


async def on_own(call: Call, method: str, rest: str) -> Response:
    upload_id: str = call.request.path_params["id"]
    if not await call.in_database(services.owns_upload, call.door, upload_id):
        raise not_found()
    body = None if method == "GET" else await read_body(call.request)
    passed = ("Content-Type", "Content-MD5")
    headers = {name: call.request.headers[name] for name in passed if name in call.request.headers}
    path = f"bqm/multipart/{upload_id}/{rest}"
    return passed_on(await write(call.upstream, method, path, body, call.headers("json") | headers))


def passed_on(reply: Answer) -> Response:
    if not reply.ok:
        raise Refusal(reply.status, reply.message)
    return Response(reply.body, reply.status, {"Content-Type": "application/json"})
