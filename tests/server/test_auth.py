"""Only this server's own pages and programs on this machine are answered."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.auth import Names
from tests.server.served import document, problem, served

Client = Any


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


def own(client: Client) -> str:
    return f"http://127.0.0.1:{client.port}"


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "http://127.0.0.1", "http://localhost:1", "file://"]
)
async def test_a_foreign_origin_may_not_submit(client: Client, origin: str) -> None:
    answer = await client.post("/v1/runs", json={"workflow": document()}, headers={"Origin": origin})
    assert await problem(answer) == (403, "foreign_origin")


@pytest.mark.parametrize("origin", ["https://evil.test", "null"])
async def test_a_foreign_origin_may_not_listen(client: Client, origin: str) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers = {**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": origin}
    assert (await client.get("/v1/events", headers=headers)).status == 403


async def test_a_foreign_origin_may_not_even_read(client: Client) -> None:
    assert (await client.get("/v1/runs", headers={"Origin": "https://evil.test"})).status == 403


async def test_the_own_origin_may_submit(client: Client) -> None:
    headers = {"Origin": own(client), "Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/v1/runs", json={"workflow": document()}, headers=headers)).status == 201


async def test_a_program_that_is_no_browser_may_submit(client: Client) -> None:
    assert (await client.post("/v1/runs", json={"workflow": document()})).status == 201


async def test_a_name_that_was_bound_to_this_address_is_misdirected(client: Client) -> None:
    host = f"evil.test:{client.port}"
    answer = await client.get("/v1/runs", headers={"Host": host, "Origin": f"http://{host}"})
    assert await problem(answer) == (421, "misdirected")


@pytest.mark.parametrize(
    "host",
    ["user@127.0.0.1:{port}", "localhost.:{port}", "127.0.0.1:1", "2130706433:{port}", "127.0.0.1", ""],
)
async def test_only_exact_names_of_this_server_are_answered(client: Client, host: str) -> None:
    answer = await client.get("/v1/runs", headers={"Host": host.format(port=client.port)})
    assert answer.status in (400, 421)


async def test_two_host_headers_are_refused(client: Client) -> None:
    own = f"Host: 127.0.0.1:{client.port}\r\n"
    answer = await raw(client, f"GET /v1/runs HTTP/1.1\r\n{own}{own}\r\n")
    assert answer.split()[1] == b"400"


async def test_an_absolute_address_does_not_hide_the_host(client: Client) -> None:
    answer = await raw(
        client, f"GET http://evil.test/v1/runs HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n"
    )
    assert answer.split()[1] in (b"400", b"421")


async def test_a_link_from_another_site_opens_the_page(client: Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (await client.get("/", headers=headers)).status == 200
    assert (await client.get("/v1/runs", headers=headers)).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/v1/system", "/v1/files/output/a.png", "/"])
async def test_another_site_cannot_embed_anything(client: Client, site: str, path: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert (await client.get(path, headers=headers)).status == 403


async def test_the_page_cannot_be_framed(client: Client) -> None:
    answer = await client.get("/")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    frame = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert (await client.get("/", headers=frame)).status == 403


def test_a_configured_name_is_answered_on_its_port() -> None:
    names = Names(8188, ("studio", "proxy:443"))
    assert [names.include(host) for host in ("studio:8188", "proxy:443", "Studio:8188", "studio:1")] == [
        True, True, True, False,
    ]  # fmt: skip


@given(st.text(max_size=40))
def test_no_other_text_is_a_name_of_this_server(host: str) -> None:
    known = {"127.0.0.1:8188", "[::1]:8188", "localhost:8188"}
    assert Names(8188).include(host) == (host.lower() in known)


async def raw(client: Client, request: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(request.encode())
    answer = await asyncio.wait_for(reader.read(4096), 5)
    writer.close()
    return answer


async def test_the_address_it_listens_on_is_a_name_of_the_server(tmp_path: Path) -> None:
    async with served(tmp_path, listen="127.0.0.2") as client:
        answer = await client.get("/v1/runs", headers={"Host": f"127.0.0.2:{client.port}"})
    assert answer.status == 200
