"""The editor: the built pages below `/`, or a page that says how to build them."""

from pathlib import Path

from aiohttp import web

from server.config import PROGRAM
from server.http import NO_BODY, Route, absent
from server.sending import FOREVER, send_file

BUILT = PROGRAM / "web" / "dist"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/vnd.microsoft.icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
}
NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Photogram</title>
<h1>The server runs, but the editor is not built.</h1>
<p>Stop the server, run <code>make run</code> in the folder of the program, and open this page again.</p>
<p>Programs can use the server as it is: <a href="/v1/openapi.json">/v1/openapi.json</a> describes it.</p>
</html>
"""


EDITOR: web.AppKey[Path] = web.AppKey("EDITOR", Path)


async def index(request: web.Request) -> web.StreamResponse:
    """The editor's page."""
    if not (request.app[EDITOR] / "index.html").is_file():
        return web.Response(text=NOT_BUILT, content_type="text/html", headers={"Cache-Control": "no-store"})
    return await _own(request, "index.html", "no-cache")


async def page_file(request: web.Request) -> web.StreamResponse:
    """A file beside the editor's page."""
    return await _own(request, request.match_info["name"], "no-cache")


async def asset(request: web.Request) -> web.StreamResponse:
    """A script, style or picture of the editor; its name changes with its content."""
    return await _own(request, f"assets/{request.match_info['name']}", FOREVER)


async def _own(request: web.Request, name: str, cache: str) -> web.StreamResponse:
    kind = KINDS.get(Path(name).suffix)
    if kind is None:
        raise absent("file")
    return await send_file(request, request.app[EDITOR], name, {"Content-Type": kind, "Cache-Control": cache})


ROUTES = (
    Route("GET", "/", index, NO_BODY, access="page", mime="text/html"),
    Route("GET", "/assets/{name:.+}", asset, NO_BODY, mime="*/*"),
    Route("GET", r"/{name:[\w-]+\.[a-z0-9]+}", page_file, NO_BODY, mime="*/*"),
)
