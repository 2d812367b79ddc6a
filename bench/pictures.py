"""How long Save Image holds up what runs next, beside the writing of the file in the background.

python -m bench.pictures
"""

import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from bench.figures import Figure, cost, show
from diffusion.images import to_pixels, write_png
from diffusion.values import Image
from nodes.image import save_image
from server.hosting import Folders, Scope, Shelf
from server.worker import ENCODERS

SIDE_PX = 1024
REPEATS = 5


def figures() -> Iterator[Figure]:
    """A picture that is easy to pack, and one of noise, which is the hardest."""
    generator = torch.Generator().manual_seed(1)
    across = torch.linspace(0, 1, SIDE_PX)
    smooth = torch.stack(torch.meshgrid(across, across, indexing="ij"), -1) @ torch.rand(
        2, 3, generator=generator
    )
    for name, picture in (
        ("smooth", smooth / 2),
        ("noise", torch.rand(SIDE_PX, SIDE_PX, 3, generator=generator)),
    ):
        held, written = measured(Image(picture[None]))
        yield Figure(f"{name} {SIDE_PX}x{SIDE_PX}: Save Image holds the next node up for", held * 1e3, "ms")
        yield Figure(f"{name} {SIDE_PX}x{SIDE_PX}: writing the PNG takes", written * 1e3, "ms")
        yield Figure(f"{name} {SIDE_PX}x{SIDE_PX}: held beside written", held / written, "x", 0.25)


def measured(image: Image) -> tuple[float, float]:
    """Seconds the node takes, and seconds the encoding takes: the least of several."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(ENCODERS) as encoder:
        held = min(held_seconds(image, Path(folder), encoder) for _ in range(REPEATS))
        (pixels,) = to_pixels(image)
        path = Path(folder) / "plain.png"
        return held, cost(lambda: write_png(pixels, path, {}), REPEATS).wall


def held_seconds(image: Image, folder: Path, encoder: ThreadPoolExecutor) -> float:
    """How long the node takes; waits then until the file is written."""
    folders = Folders(folder, folder, folder)
    scope = Scope("bench", lambda message: None, folders, {}, Shelf(folders), encoder)  # noqa: ARG005
    began = time.perf_counter()
    save_image(image, "bench", outputs=scope.host("save"))
    held = time.perf_counter() - began
    written = threading.Barrier(ENCODERS + 1)
    for _ in range(ENCODERS):
        encoder.submit(written.wait)
    written.wait()
    return held


if __name__ == "__main__":
    show(figures())
