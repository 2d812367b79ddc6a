"""Videos of strangers: the limited process takes their first frame, and refuses what is none."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from diffusion.video import PICTURE_DECODERS
from server.pictures import PictureRefused, Pictures, Size
from server.videos import DECODERS, Unopened, first_frame
from tests.films import film, song


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    pictures = Pictures(patience_seconds=10)
    yield pictures
    await pictures.close()


async def test_the_limited_process_looks_into_videos(pictures: Pictures, tmp_path: Path) -> None:
    path = tmp_path / "a"
    for container in ("mp4", "webm"):
        path.write_bytes(film(container, size=(48, 32), quarters=1, texts={"workflow": "{}"}))
        with path.open("rb") as file:
            assert await pictures.check(file) == Size(32, 48)
            small = Image.open(io.BytesIO(await pictures.thumbnail(file, 16)))
            assert (small.format, small.size) == ("WEBP", (11, 16))
    path.write_bytes(film()[:-400])
    with path.open("rb") as file, pytest.raises(PictureRefused, match="damaged"):
        await pictures.check(file)
    path.write_bytes(film(texts={"workflow": "{}"}))
    with path.open("rb") as file:
        assert await pictures.workflow(file) == "{}"


@pytest.mark.parametrize(
    ("data", "message"),
    [(song(), "no moving pictures"), (film()[:40], "damaged"), (film(size=(64, 64)), "0 million pixels")],
    ids=["song", "short", "large"],
)
def test_what_is_no_video_within_the_limits_is_a_sentence(data: bytes, message: str) -> None:
    with pytest.raises(Unopened, match=message):
        first_frame(io.BytesIO(data), "video/mp4", 32 * 32)


def test_the_server_takes_what_the_nodes_can_open() -> None:
    assert DECODERS == PICTURE_DECODERS
