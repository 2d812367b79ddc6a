"""Small pictures are made once, and old ones make room."""

import os
from pathlib import Path

import pytest

from server.files import NotThere
from server.pictures import PictureRefused, Pictures
from server.thumbnails import Thumbnails
from tests.server.served import picture


@pytest.fixture
def small(tmp_path: Path) -> Thumbnails:
    (tmp_path / "a.png").write_bytes(picture())
    (tmp_path / "a.txt").write_text("text")
    return Thumbnails(tmp_path / "small", Pictures())


async def test_the_same_picture_has_the_same_thumbnail(small: Thumbnails, tmp_path: Path) -> None:
    first = await small.name(tmp_path, "a.png", 256)
    assert await small.name(tmp_path, "a.png", 256) == first
    assert await small.name(tmp_path, "a.png", 512) != first
    await small._pictures.close()


async def test_what_is_no_picture_has_none(small: Thumbnails, tmp_path: Path) -> None:
    with pytest.raises(PictureRefused):
        await small.name(tmp_path, "a.txt", 256)
    with pytest.raises(NotThere):
        await small.name(tmp_path, "../a.png", 256)


def test_the_oldest_make_room(small: Thumbnails) -> None:
    small.folder.mkdir()
    for number in range(5):
        path = small.folder / f"{number}.webp"
        path.touch()
        os.utime(path, (number, number))
    small.prune(kept=3)
    assert not (small.folder / "1.webp").exists()
    assert (small.folder / "2.webp").exists()
