"""The gateway as an ASGI application: SAPI's paths below /dwave/<shared or private>/<token name>/sapi/v2/.

Not Django's own views: a held poll must cost no thread, and under Django's middleware it does.
"""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from . import problems, solvers, submit, uploads
from .calls import Gateway, routes
from .logs import Reception
from .wire import Refusal

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


def application() -> Starlette:
    gateway = Gateway()
    app = Starlette(
        routes=[route for path, endpoints in PATHS.items() for route in routes(path, endpoints)],
        middleware=[Middleware(Reception)],
        exception_handlers={404: no_such_address, 405: no_such_method},
        lifespan=lambda app: gateway.running(),
    )
    app.state.gateway = gateway
    app.router.redirect_slashes = False
    return app


async def no_such_address(request: Request, error: Exception) -> Response:
    return Refusal(
        404, "There is nothing at this address. It must look like …/dwave/shared/NAME/sapi/v2/."
    ).as_response()


async def no_such_method(request: Request, error: Exception) -> Response:
    response = Refusal(405, "This address does not know that method.").as_response()
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response
