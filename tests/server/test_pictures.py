"""Untrusted pictures are looked into by a process that may die without harm."""

import asyncio
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from server.pictures import PictureRefused, Pictures, Size
from tests.server.served import picture, png_that_says


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    pictures = Pictures(patience_seconds=10)
    yield pictures
    await pictures.close()


def stored(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return path


async def checked(pictures: Pictures, path: Path) -> Size:
    with path.open("rb") as file:
        return await pictures.check(file)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
async def test_the_five_formats_are_opened(pictures: Pictures, tmp_path: Path, format: str) -> None:
    assert await checked(pictures, stored(tmp_path, picture(format, (20, 10)))) == Size(20, 10)


@pytest.mark.parametrize("format", ["TIFF", "BMP", "PPM", "DDS", "ICO"])
async def test_other_formats_are_not(pictures: Pictures, tmp_path: Path, format: str) -> None:
    with pytest.raises(PictureRefused, match="not a picture of a kind"):
        await checked(pictures, stored(tmp_path, picture(format)))


@pytest.mark.parametrize("size", [(30_000, 30_000), (14_000, 14_000), (1, 2**31 - 1)])
async def test_a_picture_that_says_it_is_huge_is_refused_unopened(
    pictures: Pictures, tmp_path: Path, size: tuple[int, int]
) -> None:
    with pytest.raises(PictureRefused):
        await checked(pictures, stored(tmp_path, png_that_says(*size)))


async def test_a_picture_cut_short_at_any_byte_is_refused_and_does_no_harm(
    pictures: Pictures, tmp_path: Path
) -> None:
    whole = picture("PNG", (16, 16))
    for length in range(len(whole) // 2):
        with pytest.raises(PictureRefused):
            await checked(pictures, stored(tmp_path, whole[:length]))


async def test_texts_that_swell_are_refused(pictures: Pictures, tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("a", "x" * 60_000_000, zip=True)
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=text)
    with pytest.raises(PictureRefused):
        await checked(pictures, stored(tmp_path, buffer.getvalue()))


async def test_a_process_that_died_is_replaced(pictures: Pictures, tmp_path: Path) -> None:
    path = stored(tmp_path, picture())
    await checked(pictures, path)
    assert pictures.pid is not None
    os.kill(pictures.pid, signal.SIGKILL)
    os.waitid(os.P_PID, pictures.pid, os.WEXITED | os.WNOWAIT)
    assert await checked(pictures, path) == Size(8, 6)


async def test_the_answer_to_a_question_nobody_waits_for_is_given_to_nobody_else(
    pictures: Pictures, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(picture("PNG", (3000, 3000)))
    await checked(pictures, stored(tmp_path, picture()))
    given_up = asyncio.create_task(checked(pictures, tmp_path / "large"))
    await asyncio.sleep(0.02)
    given_up.cancel()
    assert await checked(pictures, tmp_path / "picture") == Size(8, 6)


async def test_a_thumbnail_fits_its_square_and_keeps_its_shape(pictures: Pictures, tmp_path: Path) -> None:
    with stored(tmp_path, picture("JPEG", (800, 400))).open("rb") as file:
        small = Image.open(io.BytesIO(await pictures.thumbnail(file, 256)))
    assert (small.format, small.size) == ("WEBP", (256, 128))


async def test_a_transparent_picture_stays_so_when_small(pictures: Pictures, tmp_path: Path) -> None:
    Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("rb") as file:
        small = Image.open(io.BytesIO(await pictures.thumbnail(file, 256)))
    assert small.convert("RGBA").getpixel((5, 5))[3] == 0


async def test_the_workflow_in_a_picture_is_found(pictures: Pictures, tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", json.dumps({"format": 1}))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=text)
    with (tmp_path / "a.png").open("rb") as file:
        assert json.loads(await pictures.workflow(file)) == {"format": 1}


async def test_a_picture_without_a_workflow_is_told_as_such(pictures: Pictures, tmp_path: Path) -> None:
    with stored(tmp_path, picture()).open("rb") as file, pytest.raises(PictureRefused) as caught:
        await pictures.workflow(file)
    assert "no workflow" in caught.value.message
