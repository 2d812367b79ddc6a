"""/v1/files: pictures come in by their bytes, go out inert, and nothing leads out of the folders."""

import hashlib
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from PIL import Image
from yarl import URL

from tests.films import film, song
from tests.server.served import picture, png_that_says, problem, served

Client = Any


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


async def upload(client: Client, name: str, data: bytes, folder: str | None = None) -> Any:
    form = FormData(quote_fields=False)
    if folder is not None:
        form.add_field("folder", folder)
    form.add_field("file", data, filename=name, content_type="text/html")
    return await client.post("/v1/files", data=form)


def uploaded(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "input").iterdir() if not path.name.startswith("photogram_")]


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and "data" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_a_picture_is_kept_and_sent_back_as_it_was(client: Client) -> None:
    answer = await upload(client, "a.png", picture())
    info = await answer.json()
    assert (answer.status, info["name"], info["width"], info["height"]) == (201, "a.png", 8, 6)
    assert await (await client.get("/v1/files/input/a.png")).read() == picture()


async def test_a_video_is_kept_listed_and_sent_back_in_parts_as_it_was(client: Client) -> None:
    data = film("webm", size=(48, 32))
    info = await (await upload(client, "a.mp4", data)).json()
    assert (info["name"], info["width"], info["height"]) == ("a.mp4.webm", 48, 32)
    assert (await (await client.get("/v1/models")).json())["folders"]["videos"] == ["a.mp4.webm"]
    part = await client.get("/v1/files/input/a.mp4.webm", headers={"Range": "bytes=10-19"})
    assert (part.status, part.headers["Content-Type"]) == (206, "video/webm")
    assert await part.read() == data[10:20]
    small = await client.get("/v1/files/input/a.mp4.webm?size=256")
    assert Image.open(io.BytesIO(await small.read())).size == (48, 32)


@pytest.mark.slow
async def test_what_holds_no_pictures_that_move_is_not_taken(client: Client, tmp_path: Path) -> None:
    assert await problem(await upload(client, "a.mp4", song())) == (422, "bad_picture")
    assert uploaded(tmp_path) == []


async def test_the_bytes_decide_what_a_file_is(client: Client) -> None:
    assert (await (await upload(client, "page.html", picture())).json())["name"] == "page.html.png"


async def test_the_same_name_with_other_content_gets_a_number(client: Client) -> None:
    names = [
        (await (await upload(client, "a.png", picture(color=color))).json())["name"]
        for color in ("red", "blue", "red")
    ]
    assert names == ["a.png", "a (1).png", "a.png"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), ("a.png", b"GIF"),
        ("a.html", b"<html>"), ("a.png", b""),
        ("a.png", b"II*\0\x08\0\0\0"), ("a.png", b"8BPS\0\x01"), ("a.png", b"SIMPLE  ="),
        ("a.png", b"%!PS-Adobe"), ("a.png", b"DDS |\0\0\0"), ("a.safetensors", b"\x08\0\0\0\0\0\0\0{}"),
        ("a.pkl", b"\x80\x04."), ("a.mp4", b"#EXTM3U"), ("a.avi", film("avi")),
    ],
)  # fmt: skip
async def test_what_is_no_picture_is_not_taken(
    client: Client, tmp_path: Path, name: str, data: bytes
) -> None:
    answer = await upload(client, name, data)
    assert await problem(answer) == (415, "not_a_picture")
    assert uploaded(tmp_path) == []


@pytest.mark.parametrize(
    "data", [png_that_says(30_000, 30_000), png_that_says(1, 2**31 - 1), picture()[:50], b"GIF89a"]
)
async def test_a_broken_or_huge_picture_is_not_taken(client: Client, tmp_path: Path, data: bytes) -> None:
    assert await problem(await upload(client, "a.png", data)) == (422, "bad_picture")
    assert uploaded(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        ".a.png",
        "../a.png",
        "a/b.png",
        "a\\b.png",
        "x" * 300,
        "CON",
        "nul.png",
        "a:b.png",
        "a.png.",
        "a.png ",
    ],
)
async def test_a_name_that_could_do_harm_is_refused(client: Client, tmp_path: Path, name: str) -> None:
    before = tree(tmp_path)
    assert (await upload(client, name, picture())).status == 400
    assert tree(tmp_path) == before


@pytest.mark.parametrize("folder", ["../custom_nodes", "output", "models", "/etc", ""])
async def test_pictures_go_to_the_input_folder_only(client: Client, tmp_path: Path, folder: str) -> None:
    before = tree(tmp_path)
    assert await problem(await upload(client, "a.png", picture(), folder)) == (400, "not_an_option")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "body", [b"", b"--x", b"--x\r\n\r\nabc", b"--x\r\nContent-Disposition: nonsense\r\n\r\nabc\r\n--x--"]
)
async def test_a_broken_form_is_refused(client: Client, body: bytes) -> None:
    answer = await client.post(
        "/v1/files", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status == 400


ESCAPES = [
    "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt",
    "..%5csecret.txt", "....//secret.txt",
    "%252e%252e%252fsecret.txt", "%c0%ae%c0%ae/secret.txt", "%ef%bc%8e%ef%bc%8e/secret.txt",
    "/etc/passwd", "//etc/passwd",
    "C:%5cx", "%5c%5chost%5cshare",
    "file:///etc/passwd", "link.txt", "folder/secret.txt", "a%00.png", ".hidden",
]  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
async def test_every_way_out_of_a_folder_looks_like_nothing_there(
    client: Client, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "output" / ".hidden").write_text("secret")
    (tmp_path / "output" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "output" / "folder").symlink_to(tmp_path)
    missing = await (await client.get("/v1/files/output/missing.png")).text()
    answer = await client.get(URL(f"/v1/files/output/{name}", encoded=True))
    assert (answer.status, "secret" in await answer.text()) in [(404, False), (400, False)]
    assert (
        answer.status == 400
        or (await answer.text() == missing)
        or "nothing at this address" in await answer.text()
    )


@pytest.mark.parametrize("folder", ["models", "data", "custom_nodes", "..", "etc"])
async def test_other_folders_do_not_exist(client: Client, folder: str) -> None:
    assert (await client.get(f"/v1/files?folder={folder}")).status == 404


async def test_pages_of_files_follow_each_other_newest_first(client: Client, tmp_path: Path) -> None:
    (tmp_path / "output" / "sub").mkdir()
    for number in range(5):
        path = tmp_path / "output" / "sub" / f"{number}.png"
        path.write_bytes(picture())
        os.utime(path, (1000 + number // 2, 1000 + number // 2))
    first = await (await client.get("/v1/files?limit=2")).json()
    rest = await (await client.get("/v1/files", params={"limit": 4, "before": first["next"]})).json()
    names = [item["name"] for item in (*first["items"], *rest["items"])]
    assert (names, rest["next"]) == (["sub/4.png", "sub/2.png", "sub/3.png", "sub/0.png", "sub/1.png"], None)


async def test_a_thumbnail_is_small_and_made_once(client: Client, tmp_path: Path) -> None:
    (tmp_path / "output" / "a.png").write_bytes(picture(size=(900, 300)))
    answer = await client.get("/v1/files/output/a.png?size=256")
    assert answer.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(await answer.read())).size == (256, 85)
    await client.get("/v1/files/output/a.png?size=256")
    assert len(list((tmp_path / "data" / "thumbnails").iterdir())) == 1


async def test_a_changed_picture_has_another_thumbnail(client: Client, tmp_path: Path) -> None:
    async def small() -> bytes:
        return bytes(await (await client.get("/v1/files/output/a.png?size=256")).read())

    (tmp_path / "output" / "a.png").write_bytes(picture(color="red"))
    red = await small()
    (tmp_path / "output" / "a.png").write_bytes(picture(color="blue"))
    assert await small() != red


@pytest.mark.parametrize(("query", "status"), [("size=7", 400), ("size=256x", 400), ("size=256", 422)])
async def test_a_thumbnail_that_cannot_be_is_refused(
    client: Client, tmp_path: Path, query: str, status: int
) -> None:
    (tmp_path / "output" / "a.txt").write_text("no picture")
    assert (await client.get(f"/v1/files/output/a.txt?{query}")).status == status
