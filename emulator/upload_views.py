"""Uploads of problem data in parts."""

from aiohttp import web

from .errors import SapiError
from .uploads import Upload
from .wire import SERVICE, TOKEN, plain_json, read_json


async def begin(request: web.Request) -> web.Response:
    body = await read_json(request)
    size = body.get("size") if isinstance(body, dict) else None
    upload = request.app[SERVICE].uploads.begin(request[TOKEN], size)
    return plain_json({"id": upload.id})


async def put_part(request: web.Request) -> web.Response:
    upload = _find(request)
    if request.content_type != "application/octet-stream":
        raise SapiError(415, "Unsupported Media Type")
    upload.put(int(request.match_info["number"]), await request.read(), request.headers.get("Content-MD5", ""))
    return plain_json({})


async def get_status(request: web.Request) -> web.Response:
    return plain_json(_find(request).as_status())


async def combine(request: web.Request) -> web.Response:
    body = await read_json(request)
    _find(request).combine(body.get("checksum") if isinstance(body, dict) else None)
    return plain_json({})


def _find(request: web.Request) -> Upload:
    return request.app[SERVICE].uploads.get(request.match_info["id"], request[TOKEN])
