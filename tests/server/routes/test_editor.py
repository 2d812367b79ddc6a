"""The editor's files, or a page that says how to build them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.routes.editor import EDITOR
from tests.server.served import served

Client = Any


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        client.app._state[EDITOR] = tmp_path / "dist"  # the key is frozen once the application runs
        yield client


def built(tmp_path: Path) -> None:
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<!doctype html>")
    (tmp_path / "dist" / "icon.svg").write_text("<svg/>")
    (tmp_path / "dist" / "assets" / "index-abc123.js").write_text("0")
    (tmp_path / "dist" / "assets" / "index.js.map.exe").write_text("0")


async def test_without_the_built_editor_the_page_says_how_to_build_it(client: Client) -> None:
    answer = await client.get("/")
    assert (answer.status, "make run" in await answer.text()) == (200, True)


async def test_the_page_is_asked_for_anew_each_time(client: Client, tmp_path: Path) -> None:
    built(tmp_path)
    answer = await client.get("/")
    assert (await answer.text(), answer.headers["Cache-Control"]) == ("<!doctype html>", "no-cache")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_what_has_its_content_in_its_name_is_kept_for_ever(client: Client, tmp_path: Path) -> None:
    built(tmp_path)
    answer = await client.get("/assets/index-abc123.js")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


async def test_files_beside_the_page_are_sent(client: Client, tmp_path: Path) -> None:
    built(tmp_path)
    assert (await client.get("/icon.svg")).headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize(
    "path", ["/assets/index.js.map.exe", "/assets/none.js", "/assets/..%2f..%2fsecret.js", "/none.js"]
)
async def test_nothing_else_is_sent(client: Client, tmp_path: Path, path: str) -> None:
    built(tmp_path)
    (tmp_path / "secret.js").write_text("secret")
    assert (await client.get(path)).status == 404
