"""The real program on a real port."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from server.config import PROGRAM
from tests.server.served import document, served


@asynccontextmanager
async def program(folder: Path, *flags: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`photogram serve` in a process of its own, and its address."""
    places = [f"--{name}={folder / name}" for name in ("input", "output", "data", "custom-nodes", "models")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "serve", "--port=0", *places, *flags,
        cwd=PROGRAM, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        address = ""
        while "http://" not in address:
            address = (await asyncio.wait_for(process.stderr.readline(), 30)).decode()
        yield process, address.split()[-1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_page_answers_while_the_worker_still_starts_and_the_program_stops_when_told(
    tmp_path: Path,
) -> None:
    async with program(tmp_path) as (process, address), aiohttp.ClientSession() as session:
        async with session.get(address + "/v1/system") as answer:
            assert (await answer.json())["worker"] == "starting"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


@pytest.mark.slow
async def test_the_server_process_holds_no_tensors(tmp_path: Path) -> None:
    async with program(tmp_path) as (process, address), aiohttp.ClientSession() as session:
        async with session.get(address) as answer:
            assert answer.status == 200
        assert "torch" not in Path(f"/proc/{process.pid}/maps").read_text()


@pytest.mark.slow
async def test_a_page_that_listens_is_told_that_the_server_stops(tmp_path: Path) -> None:
    async with program(tmp_path) as (process, address), aiohttp.ClientSession() as session:
        async with session.ws_connect(address + "/v1/events") as socket:
            process.send_signal(signal.SIGINT)
            while (message := await socket.receive(timeout=20)).type is aiohttp.WSMsgType.TEXT:
                pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)


@pytest.mark.slow
async def test_a_port_in_use_ends_the_start_in_one_sentence(tmp_path: Path) -> None:
    async with program(tmp_path) as (_, address):
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "serve",
            f"--port={address.rpartition(':')[2]}", f"--data={tmp_path / 'b'}",
            cwd=PROGRAM, stderr=asyncio.subprocess.PIPE, env=os.environ,
        )  # fmt: skip
        _, said = await asyncio.wait_for(other.communicate(), 30)
    assert (other.returncode, said.count(b"\n"), b"Choose another with --port" in said) == (1, 1, True)


async def test_two_applications_can_live_in_one_process(tmp_path: Path) -> None:
    async with served(tmp_path / "a") as first, served(tmp_path / "b") as second:
        await first.put("/v1/workflows/mine", json=document(), headers={"If-None-Match": "*"})
        saved = [(await client.get("/v1/workflows/mine")).status for client in (first, second)]
    assert saved == [200, 404]
