"""/v1/nodes: every node type there is."""

import hashlib

import msgspec
from aiohttp import web

from server import api
from server.http import NO_BODY, Route, if_none_match
from server.parts import PARTS


async def catalog(request: web.Request) -> web.Response:
    """The node types; 304 if the client has this very list, 503 `starting` if none is known yet."""
    body = msgspec.json.encode(request.app[PARTS].catalog())
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if if_none_match(request, etag):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
    response.enable_compression()
    return response


ROUTES = (Route("GET", "/v1/nodes", catalog, NO_BODY, gives=api.Catalog, refuses=(503,)),)
