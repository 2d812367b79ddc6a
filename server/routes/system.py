"""/v1/system, and the descriptions of the API and of the workflow file."""

import asyncio

from aiohttp import web

from graph import document
from server import api, openapi
from server.http import NO_BODY, Route, answer
from server.http import ROUTES as DECLARED
from server.parts import PARTS


async def system(request: web.Request) -> web.Response:
    """The state of the server and its worker."""
    parts = request.app[PARTS]
    counts = await parts.queue.counts()
    runner = parts.runner
    return answer(
        api.System(
            version=parts.version,
            worker=runner.state,
            reason=runner.reason,
            device=runner.device,
            queued=counts.queued,
            running=counts.running,
            seq=parts.hub.seq,
            running_from=parts.hub.running_from,
        )
    )


async def describe(request: web.Request) -> web.Response:
    """This API as an OpenAPI 3.1 document."""
    routes = tuple(dict.fromkeys(request.app[DECLARED].values()))
    return answer(await asyncio.to_thread(openapi.describe, routes, request.app[PARTS].version))


async def schema(_request: web.Request) -> web.Response:
    """The JSON Schema of the workflow file."""
    return answer(document.schema())


ROUTES = (
    Route("GET", "/v1/system", system, NO_BODY, gives=api.System),
    Route("GET", "/v1/openapi.json", describe, NO_BODY, gives=dict),
    Route("GET", "/v1/schema/workflow.json", schema, NO_BODY, gives=dict),
)
