"""/v1/files: pictures and videos that people gave and workflows made."""

import asyncio
from pathlib import Path
from typing import cast

from aiohttp import web

from server import api
from server.files import Listed, NotThere, dimensions, listing, opened
from server.http import NO_BODY, UPLOAD, Route, absent, answer, refusal, whole
from server.parts import PARTS
from server.pictures import PictureRefused
from server.sending import CACHED, send_file
from server.thumbnails import SIZES
from server.uploads import receive

MOST = 500


async def upload(request: web.Request) -> web.Response:
    """Keep a picture or video in the input folder. The answer has its name, which may not be the one sent."""
    parts = request.app[PARTS]
    await asyncio.to_thread(parts.require_room, "input")
    info = await receive(request, parts.config.input, parts.pictures)
    parts.hub.publish(api.FoldersChanged())
    return answer(info, 201, {"Location": f"/v1/files/input/{info.name}"})


async def page(request: web.Request) -> web.Response:
    """The files of a folder, the newest first; `next` of the answer is `before` of the following page."""
    folder = request.query.get("folder", "output")
    root = request.app[PARTS].root(folder)
    limit, before = whole(request, "limit", 100, MOST), request.query.get("before")
    return answer(await asyncio.to_thread(_page, cast(api.FileFolder, folder), root, limit, before))


async def one(request: web.Request) -> web.StreamResponse:
    """A file, or with `size` a WebP thumbnail of a picture or video."""
    parts, name = request.app[PARTS], request.match_info["name"]
    root = parts.root(request.match_info["folder"])
    if "size" not in request.query:
        return await send_file(request, root, name)
    if request.query["size"] not in map(str, SIZES):
        raise refusal(400, "not_an_option", f"size takes one of {', '.join(map(str, SIZES))}.")
    try:
        small = await parts.thumbnails.name(root, name, int(request.query["size"]))
    except NotThere as error:
        raise absent("file") from error
    except PictureRefused as error:
        raise refusal(422, "bad_picture", error.message, error.hint) from error
    headers = {"Content-Type": "image/webp", "Cache-Control": CACHED}
    return await send_file(request, parts.thumbnails.folder, small, headers)


def _page(folder: api.FileFolder, root: Path, limit: int, before: str | None) -> api.FileList:
    files = listing(root)
    if before is not None:
        modified, _, name = before.partition("-")
        if not (modified.isascii() and modified.isdigit() and len(modified) < 20):
            raise refusal(400, "wrong_kind", "before takes the `next` of an earlier page.")
        last = (-int(modified), name)
        files = [each for each in files if (-each.modified_ns, each.name) > last]
    items = tuple(_info(folder, root, each) for each in files[:limit])
    more = len(files) > limit
    return api.FileList(items, f"{files[limit - 1].modified_ns}-{files[limit - 1].name}" if more else None)


def _info(folder: api.FileFolder, root: Path, listed: Listed) -> api.FileInfo:
    try:
        with opened(root, listed.name) as file:
            width, height = dimensions(file.read(32))
    except NotThere:  # a name that this program would not give; it is listed all the same
        width = height = 0
    return api.FileInfo(folder, listed.name, listed.bytes, listed.modified_ns / 1e9, width, height)


ROUTES = (
    Route("POST", "/v1/files", upload, UPLOAD, takes=bytes, gives=api.FileInfo, status=201),
    Route(
        "GET",
        "/v1/files",
        page,
        NO_BODY,
        gives=api.FileList,
        query={
            "folder": "input, output or temp",
            "limit": f"how many, up to {MOST}",
            "before": "the `next` of an earlier page",
        },
        refuses=(400, 404),
    ),
    Route(
        "GET",
        "/v1/files/{folder}/{name:.+}",
        one,
        NO_BODY,
        mime="*/*",
        query={"size": "256, 512 or 1024: a thumbnail of at most that many pixels a side"},
        refuses=(400, 416, 422),
    ),
)
