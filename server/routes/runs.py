"""/v1/runs: queue workflows, follow and cancel them."""

from typing import get_args

from aiohttp import web

from server import api
from server.http import JSON_BODY, NO_BODY, WORKFLOW_BODY, Route, absent, answer, decode, refusal, whole
from server.parts import PARTS
from server.submission import submit

MOST = 500


async def create(request: web.Request) -> web.Response:
    """Queue a workflow. 201 with the run once it is durable, or 422 with one problem for each fault."""
    wanted = await decode(request, api.RunRequest)
    run = await submit(request.app[PARTS], wanted)
    return answer(run, 201, {"Location": f"/v1/runs/{run.id}"})


async def page(request: web.Request) -> web.Response:
    """The newest runs; `next` of the answer is `before` of the following page."""
    state = request.query.get("state")
    if state is not None and state not in get_args(api.RunState):
        raise refusal(400, "not_an_option", f"state takes one of {', '.join(get_args(api.RunState))}.")
    limit = whole(request, "limit", 50, MOST)
    known: api.RunState | None = state  # type: ignore[assignment]  # checked above
    queue, before = request.app[PARTS].queue, request.query.get("before")
    if before is not None and await queue.get(before) is None:
        raise refusal(400, "wrong_kind", "before takes the id of a run.")
    return answer(await queue.list(known, limit, before))


async def one(request: web.Request) -> web.Response:
    """One run."""
    run = await request.app[PARTS].queue.get(request.match_info["id"])
    if run is None:
        raise absent("run")
    return answer(run)


async def workflow(request: web.Request) -> web.Response:
    """The workflow as it was queued, with the seeds it used."""
    text = await request.app[PARTS].queue.workflow(request.match_info["id"])
    if text is None:
        raise absent("run")
    return web.Response(text=text, content_type="application/json", headers={"Cache-Control": "no-store"})


async def cancel(request: web.Request) -> web.Response:
    """End a queued run, or stop a running one. A run that has ended stays as it is."""
    run = await request.app[PARTS].runner.cancel(request.match_info["id"])
    if run is None:
        raise absent("run")
    return answer(run)


async def cancel_many(request: web.Request) -> web.Response:
    """End every run that waits; the answer lists them."""
    await decode(request, api.CancelRequest)
    return answer(api.RunList(await request.app[PARTS].queue.cancel_queued()))


ID = "{id:[0-9a-f]{32}}"
PAGING = {"limit": f"how many, up to {MOST}", "before": "the id of a run: only older ones"}
ROUTES = (
    Route(
        "POST",
        "/v1/runs",
        create,
        WORKFLOW_BODY,
        takes=api.RunRequest,
        gives=api.Run,
        status=201,
        refuses=(429, 503),
    ),
    Route(
        "GET",
        "/v1/runs",
        page,
        NO_BODY,
        gives=api.RunList,
        query={"state": "only this state"} | PAGING,
        refuses=(400,),
    ),
    Route("POST", "/v1/runs/cancel", cancel_many, JSON_BODY, takes=api.CancelRequest, gives=api.RunList),
    Route("GET", f"/v1/runs/{ID}", one, NO_BODY, gives=api.Run),
    Route("GET", f"/v1/runs/{ID}/workflow", workflow, NO_BODY, gives=dict),
    Route("POST", f"/v1/runs/{ID}/cancel", cancel, NO_BODY, gives=api.Run),
)
