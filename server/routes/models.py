"""/v1/models: the names that file pickers offer."""

import asyncio

from aiohttp import web

from server import api
from server.http import NO_BODY, Route, answer
from server.parts import PARTS


async def folders(request: web.Request) -> web.Response:
    """The files of every kind: checkpoints, loras, ..., and the pictures in the input folder."""
    return answer(api.Folders(await asyncio.to_thread(request.app[PARTS].folders.all)))


ROUTES = (Route("GET", "/v1/models", folders, NO_BODY, gives=api.Folders),)
