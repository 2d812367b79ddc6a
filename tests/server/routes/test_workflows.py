"""/v1/workflows, /v1/templates and /v1/import."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from yarl import URL

from tests.films import film
from tests.server.served import document, picture, problem, served

Client = Any
NEW = {"If-None-Match": "*"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


async def save(client: Client, width: int, headers: dict[str, str]) -> Any:
    return await client.put("/v1/workflows/mine", json=document(width=width), headers=headers)


async def test_a_workflow_is_saved_and_loaded(client: Client) -> None:
    saved = await save(client, 8, NEW)
    loaded = await client.get("/v1/workflows/mine")
    assert (saved.status, saved.headers["ETag"]) == (201, loaded.headers["ETag"])
    assert (await loaded.json())["nodes"] == document(width=8)["nodes"]


async def test_saving_again_names_the_revision_it_replaces(client: Client) -> None:
    etag = (await save(client, 8, NEW)).headers["ETag"]
    assert (await save(client, 9, {"If-Match": etag})).status == 200
    late = await save(client, 10, {"If-Match": etag})
    assert await problem(late) == (412, "changed_elsewhere")
    assert late.headers["ETag"] == (await client.get("/v1/workflows/mine")).headers["ETag"]


async def test_a_new_workflow_does_not_replace_one(client: Client) -> None:
    await save(client, 8, NEW)
    assert await problem(await save(client, 9, NEW)) == (412, "changed_elsewhere")


async def test_a_write_that_names_no_revision_is_refused(client: Client) -> None:
    assert await problem(await save(client, 8, {})) == (428, "revision_needed")


async def test_what_did_not_change_is_not_sent_again(client: Client) -> None:
    etag = (await save(client, 8, NEW)).headers["ETag"]
    assert (await client.get("/v1/workflows/mine", headers={"If-None-Match": etag})).status == 304


async def test_a_removed_workflow_is_gone(client: Client) -> None:
    await save(client, 8, NEW)
    assert (await client.delete("/v1/workflows/mine")).status == 204
    assert await problem(await client.get("/v1/workflows/mine")) == (404, "not_found")
    assert (await client.delete("/v1/workflows/mine")).status == 404


async def test_a_changed_workflow_is_not_removed_by_who_saw_an_older_one(client: Client) -> None:
    etag = (await save(client, 8, NEW)).headers["ETag"]
    await save(client, 9, {"If-Match": etag})
    assert (await client.delete("/v1/workflows/mine", headers={"If-Match": etag})).status == 412


@pytest.mark.parametrize(
    "name", ["..%2Fdefault%2Fconfig", "..%5cx", ".hidden", "a%2Fb", "a%00b", "CON", "%2e%2e"]
)
async def test_a_name_that_leads_elsewhere_is_not_there_and_cannot_be_made(client: Client, name: str) -> None:
    address = URL(f"/v1/workflows/{name}", encoded=True)
    assert (await client.get(address)).status == 404
    assert (await client.put(address, json=document(), headers=NEW)).status in (400, 404)


async def test_what_is_no_workflow_is_not_saved(client: Client) -> None:
    answer = await client.put("/v1/workflows/mine", json={"format": 1, "nodes": 5}, headers=NEW)
    assert await problem(answer) == (422, "unreadable_workflow")


@pytest.mark.parametrize("text", ["", '{"format": 1, "nodes": {"a": {"type": "Emp', "[]", "\0\0\0", "\ud800"])
async def test_a_damaged_file_is_told_as_such_and_nothing_of_it_is_lost(
    client: Client, tmp_path: Path, text: str
) -> None:
    await save(client, 8, NEW)
    file = tmp_path / "data" / "workflows" / "mine.json"
    file.write_bytes(damaged := text.encode("utf-8", "surrogatepass"))
    (listed,) = (await (await client.get("/v1/workflows")).json())["items"]
    refused = await client.get("/v1/workflows/mine")
    (told,) = (await refused.json())["problems"]
    assert (refused.status, told["code"], listed["damaged"]) == (422, "damaged_workflow", True)
    assert told["message"].startswith("The saved workflow mine is damaged: ")
    assert "data folder" in told["hint"]
    replaced = await save(client, 9, {"If-Match": refused.headers["ETag"]})
    kept = [path.read_bytes() for path in (tmp_path / "data" / "revisions" / "mine").iterdir()]
    assert (replaced.status, kept) == (200, [damaged])


async def test_a_damaged_file_can_be_removed(client: Client, tmp_path: Path) -> None:
    await save(client, 8, NEW)
    (tmp_path / "data" / "workflows" / "mine.json").write_text("{")
    assert (await client.delete("/v1/workflows/mine")).status == 204
    assert (await (await client.get("/v1/workflows")).json())["items"] == []


async def test_a_list_names_what_was_saved(client: Client) -> None:
    await save(client, 8, NEW)
    assert [each["name"] for each in (await (await client.get("/v1/workflows")).json())["items"]] == ["mine"]


async def test_templates_are_listed_and_sent(client: Client) -> None:
    items = (await (await client.get("/v1/templates")).json())["items"]
    assert "text_to_image" in [each["name"] for each in items]
    assert (await (await client.get("/v1/templates/text_to_image")).json())["format"] == 1


@pytest.mark.parametrize(
    "path", ["/v1/templates/none", "/v1/templates/none/picture", "/v1/templates/..%2f/picture"]
)
async def test_a_template_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert (await client.get(URL(path, encoded=True))).status == 404


def with_text(key: str, text: str) -> bytes:
    info, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_text(key, text)
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


FLAT = json.dumps({"1": {"class_type": "EmptyImage", "inputs": {"width": 8}}})


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (json.dumps(document()).encode(), "photogram"),
        (FLAT.encode(), "api"),
        (with_text("prompt", FLAT), "api"),
        (with_text("workflow", json.dumps(document())), "photogram"),
        (film("webm", texts={"prompt": FLAT}), "api"),
    ],
)
async def test_a_file_of_any_known_format_is_understood(client: Client, data: bytes, source: str) -> None:
    imported = await (await client.post("/v1/import", data=data)).json()
    assert (imported["source"], imported["workflow"]["format"]) == (source, 1)


@pytest.mark.parametrize(
    "data", [b"", b"hello", picture(), picture()[:40], with_text("workflow", "[" * 500_000)]
)
async def test_what_holds_no_workflow_is_told_as_such(client: Client, data: bytes) -> None:
    assert await problem(await client.post("/v1/import", data=data)) == (422, "unreadable_workflow")
