"""The gateway as an ASGI application: SAPI's paths below /dwave/<shared or private>/<token name>/sapi/v2/.

Not Django's own views: a held poll must cost no thread, and under Django's middleware it does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from . import problems, solvers, submit, uploads
from .calls import Gateway, routes
from .estimate import vendors_estimate

PATHS = {
    "solvers/remote": {"GET": solvers.list_solvers},
    "solvers/remote/{solver}": {"GET": solvers.show_solver},
    "problems": {"POST": submit.submit, "GET": problems.list_or_poll, "DELETE": problems.cancel_several},
    "problems/{id}": {"GET": problems.show, "DELETE": problems.cancel_one},
    "problems/{id}/info": {"GET": problems.show_info},
    "problems/{id}/answer": {"GET": problems.show_answer},
    "problems/{id}/answer/data": {"GET": problems.download},
    "problems/{id}/messages": {"GET": problems.show_messages},
    "bqm/multipart": {"POST": uploads.begin},
    "bqm/multipart/{id}/part/{number:int}": {"PUT": uploads.put_part},
    "bqm/multipart/{id}/status": {"GET": uploads.show_status},
    "bqm/multipart/{id}/combine": {"POST": uploads.combine},
}


@asynccontextmanager
async def lifespan(gateway: Gateway, app: Starlette) -> AsyncIterator[None]:
    async with gateway.running():
        warming = asyncio.create_task(asyncio.to_thread(vendors_estimate))  # so that no job has to wait for it
        yield
        await warming


def application() -> Starlette:
    gateway = Gateway()
    app = Starlette(
        routes=[route for path, endpoints in PATHS.items() for route in routes(path, endpoints)],
        lifespan=partial(lifespan, gateway),
    )
    app.state.gateway = gateway
    app.router.redirect_slashes = False
    return app
