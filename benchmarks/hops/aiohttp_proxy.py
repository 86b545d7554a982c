"""A proxy on aiohttp alone: python -m benchmarks.hops.aiohttp_proxy PORT UPSTREAM."""

import sys
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

PORT, UPSTREAM = int(sys.argv[1]), sys.argv[2]
SESSION = web.AppKey("session", aiohttp.ClientSession)


async def forward(request: web.Request) -> web.Response:
    headers = {"Content-Type": request.headers.get("Content-Type", ""), "X-Auth-Token": "secret"}
    body = await request.read()
    async with request.app[SESSION].request(
        request.method, UPSTREAM + request.path_qs, data=body, headers=headers
    ) as answer:
        return web.Response(body=await answer.read(), headers={"Content-Type": answer.headers["Content-Type"]})


async def session(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as app[SESSION]:
        yield


if __name__ == "__main__":
    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    web.run_app(app, host="127.0.0.1", port=PORT, access_log=None, print=None)
