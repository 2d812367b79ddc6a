"""The client does what scripts need, and says why the server refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.client import AsyncClient, Client, Refused
from server.parts import PARTS
from tests.server.served import document, picture, served


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Any]:
    async with served(tmp_path) as server:
        yield server


@pytest.fixture
async def client(server: Any) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(f"http://127.0.0.1:{server.port}/") as client:
        yield client


async def test_a_workflow_is_submitted_and_found_again(client: AsyncClient) -> None:
    run = await client.submit(document(), values={"empty.width": 8}, title="Cats")
    assert await client.run(run.id) == run
    assert await client.runs("queued") == (run,)


async def test_why_a_workflow_was_refused_is_told(client: AsyncClient) -> None:
    with pytest.raises(Refused) as caught:
        await client.submit(document(width=0))
    assert (caught.value.status, caught.value.problems[0].input) == (422, "width")


async def test_waiting_ends_when_the_run_does(client: AsyncClient) -> None:
    run = await client.submit(document())
    waiting = asyncio.create_task(client.wait(run.id))
    await asyncio.sleep(0.1)
    await client.cancel(run.id)
    assert (await asyncio.wait_for(waiting, 10)).state == "cancelled"


async def test_waiting_for_a_run_that_has_ended_returns_at_once(client: AsyncClient) -> None:
    run = await client.submit(document())
    await client.cancel(run.id)
    assert (await client.wait(run.id)).state == "cancelled"


async def test_a_picture_travels_there_and_back(client: AsyncClient) -> None:
    assert await client.file(await client.upload("a (x).png", picture())) == picture()


async def test_what_there_is_to_work_with_is_listed(client: AsyncClient) -> None:
    assert len((await client.catalog()).nodes) == 4
    assert (await client.models())["loras"] == ()
    assert (await client.template("text_to_image"))["format"] == 1
    assert (await client.convert(b'{"format": 1}')).source == "photogram"


async def test_code_that_is_not_async_uses_the_same(server: Any) -> None:
    def script() -> str:
        with Client(f"http://127.0.0.1:{server.port}") as photogram:
            run = photogram.submit(document())
            return photogram.cancel(run.id).state

    assert await asyncio.to_thread(script) == "cancelled"
    assert server.app[PARTS].hub.seq > 0


async def test_outside_a_with_statement_the_client_says_so() -> None:
    with pytest.raises(RuntimeError, match="with statement"):
        await AsyncClient("http://127.0.0.1:1").system()
