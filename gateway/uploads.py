"""Data of hybrid problems, uploaded in parts. An upload belongs to who began it."""

import base64
import hashlib

import orjson
from starlette.responses import Response

from . import services
from .calls import Call
from .problems import write
from .upstream import Answer
from .wire import Refusal, is_plain, not_found, unavailable

MAX_NUMBER = 10_000
PART_BYTES = 5 * 1024 * 1024


async def begin(call: Call) -> Response:
    """POST bqm/multipart {"size": bytes}: answers {"id": …}."""
    reply = await write(call.upstream, "POST", "bqm/multipart", await call.read_body(), call.headers("json"))
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
    body = None if method == "GET" else await call.read_body()
    passed = ("Content-Type", "Content-MD5")
    headers = {name: call.request.headers[name] for name in passed if name in call.request.headers}
    path = f"bqm/multipart/{upload_id}/{rest}"
    return passed_on(await write(call.upstream, method, path, body, call.headers("json") | headers))


def passed_on(reply: Answer) -> Response:
    if not reply.ok:
        raise Refusal(reply.status, reply.message)
    return Response(reply.body, reply.status, {"Content-Type": "application/json"})


# --- Data of the portal's own -----------------------------------------------------------------------------------------


async def upload(call: Call, data: bytes) -> str:
    """Upload what the portal has made for a member; the id by which a problem refers to it."""
    upload_id = upload_id_in(await step(call, "POST", "bqm/multipart", orjson.dumps({"size": len(data)})))
    path, digests = f"bqm/multipart/{upload_id}", b""
    for number, start in enumerate(range(0, len(data), PART_BYTES), 1):
        part = data[start : start + PART_BYTES]
        digest = md5(part)
        headers = {"Content-Type": "application/octet-stream", "Content-MD5": base64.b64encode(digest).decode()}
        await step(call, "PUT", f"{path}/part/{number}", part, headers)
        digests += digest
    await step(call, "POST", f"{path}/combine", orjson.dumps({"checksum": md5(digests).hex()}))
    return upload_id


async def step(call: Call, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    reply = await write(call.upstream, method, path, body, call.headers("json") | (headers or {}))
    if not reply.ok:
        raise Refusal(reply.status, reply.message)
    return reply


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
