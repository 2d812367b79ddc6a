"""Files are sent in parts on demand, and never as something a browser would run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.http import Refusal
from server.sending import Span, span_of
from tests.server.served import picture, served

Client = Any
DATA = bytes(range(256)) * 4096


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        (tmp_path / "output" / "a.bin").write_bytes(DATA)
        (tmp_path / "output" / "a.png").write_bytes(picture())
        yield client


async def got(client: Client, wanted: str) -> tuple[int, bytes]:
    answer = await client.get("/v1/files/output/a.bin", headers={"Range": wanted})
    return answer.status, await answer.read()


async def test_a_part_of_a_file_is_sent(client: Client) -> None:
    assert await got(client, "bytes=100000-500000") == (206, DATA[100_000:500_001])


async def test_the_end_of_a_file_is_sent(client: Client) -> None:
    assert await got(client, "bytes=-5") == (206, DATA[-5:])


@pytest.mark.parametrize(
    "wanted", ["bytes=" + "0-," * 10_000, "bytes=0-1,3-4", "bytes=-", "lines=1-2", "bytes=٣-٤", "bytes=a-b"]
)
def test_what_is_no_single_range_means_the_whole(wanted: str) -> None:
    assert span_of(wanted, 100) is None


@pytest.mark.parametrize("wanted", ["bytes=-0", "bytes=2000000-", "bytes=5-4"])
async def test_a_range_outside_is_refused(client: Client, wanted: str) -> None:
    answer = await client.get("/v1/files/output/a.bin", headers={"Range": wanted})
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")


@given(st.integers(0, 10**19 - 1), st.integers(0, 10**19 - 1), st.integers(1, 10**12))
def test_a_range_never_reaches_outside_the_file(first: int, last: int, size: int) -> None:
    try:
        span = span_of(f"bytes={first}-{last}", size)
    except Refusal:
        return
    assert span == Span(first, min(size, last + 1))


async def test_a_file_that_did_not_change_is_not_sent_again(client: Client) -> None:
    etag = (await client.get("/v1/files/output/a.bin")).headers["ETag"]
    again = await client.get("/v1/files/output/a.bin", headers={"If-None-Match": etag})
    assert (again.status, await again.read()) == (304, b"")


async def test_a_part_of_an_older_content_is_not_mixed_in(client: Client) -> None:
    headers = {"Range": "bytes=0-1", "If-Range": '"old"'}
    assert (await client.get("/v1/files/output/a.bin", headers=headers)).status == 200


async def test_only_the_head_is_sent_when_only_it_is_asked_for(client: Client) -> None:
    answer = await client.head("/v1/files/output/a.bin")
    assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (
        200,
        str(len(DATA)),
        b"",
    )


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.html", b"<html><script>alert(1)</script>"), ("a.svg", b"<svg xmlns='x'/>"),
        ("a.png", b"<svg/>"),
        ("a.xhtml", b"<?xml version='1.0'?>"), ("a.js", b"alert(1)"),
        ("a.pdf", b"%PDF-1.7"), ("a.swf", b"FWS"),
        ("a.mht", b"MIME-Version: 1.0"), ("a.jpg", b"\n<!doctype html>"),
    ],
)  # fmt: skip
async def test_what_is_no_picture_is_only_offered_for_saving(
    client: Client, tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / "output" / name).write_bytes(data)
    answer = await client.get(f"/v1/files/output/{name}")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("trailer", [b"<script>alert(1)</script>", b"<html>" * 1000])
async def test_a_picture_with_a_script_behind_it_is_a_picture(
    client: Client, tmp_path: Path, trailer: bytes
) -> None:
    (tmp_path / "output" / "x.html").write_bytes(picture() + trailer)
    answer = await client.get("/v1/files/output/x.html")
    assert answer.headers["Content-Type"] == "image/png"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
