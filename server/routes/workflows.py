"""/v1/workflows and /v1/templates: saved documents; /v1/import: a file of any known format as ours."""

import asyncio
import re
import tempfile

from aiohttp import hdrs, web

from graph import document
from server import api
from server.files import NotThere, UnsafeName, kind_of
from server.http import ANY_FILE, NO_BODY, WORKFLOW_BODY, Refusal, Route, absent, answer, decode, refusal
from server.http import if_none_match as known
from server.parts import PARTS, Parts
from server.pictures import PictureRefused
from server.sending import CACHED, send_file
from server.workflows import ABSENT, ChangedElsewhere, Damaged, Saved, understand


async def saved(request: web.Request) -> web.Response:
    """Every saved workflow, the newest first."""
    return answer(api.WorkflowList(await request.app[PARTS].workflows.list()))


async def load(request: web.Request) -> web.Response:
    """One saved workflow; its ETag is the revision that a later write names."""
    try:
        return _document(request, await request.app[PARTS].workflows.read(request.match_info["name"]))
    except NotThere as error:
        raise absent("workflow") from error
    except Damaged as error:
        headers = {"ETag": f'"{error.revision}"'}
        raise refusal(422, "damaged_workflow", str(error), error.hint, headers) from error


async def save(request: web.Request) -> web.Response:
    """Save a workflow. `If-Match` names the revision it was made from; `If-None-Match: *` makes a new one."""
    parts, expected = request.app[PARTS], _expected(request)
    if expected is None:
        hint = "Send If-Match with the revision you loaded, or If-None-Match: * for a new workflow."
        raise refusal(428, "revision_needed", "The request does not say which revision it replaces.", hint)
    data = await decode(request, dict)
    workflow = await asyncio.to_thread(document.from_json, data)
    try:
        info = await parts.workflows.write(request.match_info["name"], workflow, expected)
    except UnsafeName as error:
        raise refusal(400, "unsafe_name", str(error), "Choose another name.") from error
    except ChangedElsewhere as error:
        raise _changed(error) from error
    parts.hub.publish(api.FoldersChanged())
    return answer(info, 201 if expected == ABSENT else 200, {hdrs.ETAG: f'"{info.revision}"'})


async def delete(request: web.Request) -> web.Response:
    """Remove a saved workflow, with `If-Match` only if it is still that revision."""
    parts = request.app[PARTS]
    try:
        await parts.workflows.delete(request.match_info["name"], _expected(request))
    except NotThere as error:
        raise absent("workflow") from error
    except ChangedElsewhere as error:
        raise _changed(error) from error
    parts.hub.publish(api.FoldersChanged())
    return web.Response(status=204)


async def templates(request: web.Request) -> web.Response:
    """The workflows that come with the program."""
    return answer(api.WorkflowList(await request.app[PARTS].templates.list()))


async def template(request: web.Request) -> web.Response:
    """One template."""
    try:
        return _document(request, await request.app[PARTS].templates.read(request.match_info["name"]))
    except NotThere as error:
        raise absent("template") from error


async def picture(request: web.Request) -> web.StreamResponse:
    """The picture of a template."""
    try:
        root, name = request.app[PARTS].templates.picture(request.match_info["name"])
    except NotThere as error:
        raise absent("picture") from error
    return await send_file(request, root, name)


async def convert(request: web.Request) -> web.Response:
    """A file of any known format as our document: JSON, or a picture or video with a workflow inside."""
    parts, data = request.app[PARTS], await request.read()
    if kind_of(data[:32]).startswith(("image/", "video/")):
        data = await _inside(parts, data)
    return answer(await asyncio.to_thread(understand, data, parts.specs()))


async def _inside(parts: Parts, data: bytes) -> bytes:
    """The workflow in a picture or video, read by the limited process."""
    with tempfile.TemporaryFile() as file:
        await asyncio.to_thread(file.write, data)
        file.flush()
        try:
            return (await parts.pictures.workflow(file)).encode()
        except PictureRefused as error:
            raise refusal(422, "unreadable_workflow", error.message, error.hint) from error


def _document(request: web.Request, document: Saved) -> web.Response:
    headers = {hdrs.ETAG: f'"{document.revision}"', hdrs.CACHE_CONTROL: CACHED}
    if known(request, headers[hdrs.ETAG]):
        return web.Response(status=304, headers=headers)
    return web.Response(body=document.text, content_type="application/json", charset="utf-8", headers=headers)


def _expected(request: web.Request) -> str | None:
    """The revision that the request says it replaces."""
    if request.headers.get(hdrs.IF_NONE_MATCH) == "*":
        return ABSENT
    match = re.fullmatch(r'"([0-9a-f]{1,64})"', request.headers.get(hdrs.IF_MATCH, ""))
    return match[1] if match else None


def _changed(error: ChangedElsewhere) -> Refusal:
    message = (
        "The workflow was changed elsewhere." if error.revision else "The workflow was removed elsewhere."
    )
    headers = {"ETag": f'"{error.revision}"'} if error.revision else {}
    return refusal(412, "changed_elsewhere", message, "Load it again, or save under another name.", headers)


ROUTES = (
    Route("GET", "/v1/workflows", saved, NO_BODY, gives=api.WorkflowList),
    Route("GET", "/v1/workflows/{name}", load, NO_BODY, gives=dict, refuses=(422,)),
    Route(
        "PUT",
        "/v1/workflows/{name}",
        save,
        WORKFLOW_BODY,
        takes=dict,
        gives=api.WorkflowInfo,
        refuses=(412, 428),
    ),
    Route("DELETE", "/v1/workflows/{name}", delete, NO_BODY, status=204, refuses=(412,)),
    Route("GET", "/v1/templates", templates, NO_BODY, gives=api.WorkflowList),
    Route("GET", "/v1/templates/{name}", template, NO_BODY, gives=dict),
    Route("GET", "/v1/templates/{name}/picture", picture, NO_BODY, mime="image/*", refuses=(416,)),
    Route("POST", "/v1/import", convert, ANY_FILE, takes=bytes, gives=api.Imported, refuses=(503,)),
)
