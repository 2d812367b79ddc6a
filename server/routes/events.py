"""/v1/events: the WebSocket that tells what happens. Outbound only."""

import asyncio

from aiohttp import WSCloseCode, WSMsgType, web

from server.http import NO_BODY, Route, refusal
from server.hub import Subscription
from server.parts import PARTS

MOST_LISTENERS = 64
HEARTBEAT_SECONDS = 30.0
LARGEST_BYTES = 1_000_000

SOCKETS: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("SOCKETS", set)


async def events(request: web.Request) -> web.StreamResponse:
    """Events and previews from now on, or with `after` first the events since that number."""
    hub = request.app[PARTS].hub
    after = _after(request)
    if len(request.app[SOCKETS]) >= MOST_LISTENERS:
        raise refusal(
            429, "too_many", f"{MOST_LISTENERS} pages are listening already.", "Close some of them."
        )
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=LARGEST_BYTES, compress=False)
    if not socket.can_prepare(request):
        raise refusal(426, "no_websocket", "This address speaks WebSocket only.")
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    subscription = hub.subscribe(after)
    listening = asyncio.create_task(_listen(socket, subscription))
    try:
        async for frame in subscription:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
    except ConnectionError:
        pass  # the page is gone; nobody is left to tell
    finally:
        subscription.close()
        request.app[SOCKETS].discard(socket)
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER if subscription.lagged else WSCloseCode.OK)
        listening.cancel()
    return socket


def _after(request: web.Request) -> int | None:
    text = request.query.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise refusal(400, "wrong_kind", "after takes the number of an event.")
    return int(text)


async def _listen(socket: web.WebSocketResponse, subscription: Subscription) -> None:
    """Read until the page goes away; what it says is ignored."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            break
    subscription.close()


async def close_all(app: web.Application) -> None:
    """Signal handler: tell every page that the server stops."""
    sockets = app[SOCKETS]
    for socket in tuple(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY)


ROUTES = (
    Route(
        "GET",
        "/v1/events",
        events,
        NO_BODY,
        status=101,
        query={"after": "first send what came after the event of this number"},
        refuses=(400, 426, 429),
    ),
)
