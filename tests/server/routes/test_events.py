"""/v1/events: nothing is missed, and nobody can make the server wait."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from server import api
from server.parts import PARTS
from tests.server.served import document, served

Client = Any


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


async def test_what_happens_is_told_in_order(client: Client) -> None:
    async with client.ws_connect("/v1/events") as socket:
        await client.post("/v1/runs", json={"workflow": document()})
        events = [await socket.receive_json(timeout=5) for _ in range(2)]
    assert [event["kind"] for event in events] == ["run_queued", "queue_changed"]
    assert events[1]["seq"] == events[0]["seq"] + 1


async def test_what_was_missed_is_told_on_return(client: Client) -> None:
    await client.post("/v1/runs", json={"workflow": document()})
    async with client.ws_connect("/v1/events?after=0") as socket:
        assert (await socket.receive_json(timeout=5))["kind"] == "run_queued"


async def test_who_was_away_too_long_is_told_to_read_everything_again(client: Client) -> None:
    async with client.ws_connect("/v1/events?after=999999") as socket:
        assert (await socket.receive_json(timeout=5))["kind"] == "resync"


async def test_a_preview_is_a_head_and_a_picture(client: Client) -> None:
    async with client.ws_connect("/v1/events") as socket:
        client.app[PARTS].hub.show(api.PreviewHeader("r", "n", 1, 2, "image/jpeg"), b"picture")
        data = await socket.receive_bytes(timeout=5)
    length = int.from_bytes(data[:4], "big")
    head = {"run": "r", "node": "n", "done": 1, "total": 2, "mime": "image/jpeg"}
    assert (json.loads(data[4 : 4 + length]), data[4 + length :]) == (head, b"picture")


async def test_sixty_four_may_listen_and_no_more(client: Client) -> None:
    sockets = [await client.ws_connect("/v1/events") for _ in range(64)]
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect("/v1/events")
    await sockets[0].close()
    assert caught.value.status == 429
    async with client.ws_connect("/v1/events") as socket:
        assert not socket.closed


async def test_a_message_that_is_too_long_ends_the_connection(client: Client) -> None:
    async with client.ws_connect("/v1/events") as socket:
        await socket.send_str("x" * 1_000_001)
        message = await socket.receive(timeout=5)
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)


@pytest.mark.parametrize("after", ["x", "-1", "1e3", "", "9" * 30])
async def test_a_strange_number_is_refused(client: Client, after: str) -> None:
    assert (await client.get(f"/v1/events?after={after}")).status == 400


async def test_an_ordinary_request_is_told_to_upgrade(client: Client) -> None:
    assert (await client.get("/v1/events")).status == 426


async def test_pages_are_told_when_a_file_arrives(client: Client, tmp_path: Path) -> None:
    async with client.ws_connect("/v1/events") as socket:
        await client.put("/v1/workflows/a", json=document(), headers={"If-None-Match": "*"})
        assert (await socket.receive_json(timeout=5))["kind"] == "folders_changed"
