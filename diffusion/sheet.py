"""Pictures laid out in rows and columns on a sheet of paper, with labels."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from unicodedata import normalize

import numpy as np
import PIL.Image
import torch
from PIL import ImageDraw, ImageFont
from torch import Tensor

from diffusion.errors import DiffusionError
from diffusion.images import from_pixels, to_pixels
from diffusion.values import Image

PAPER, INK, FAINT = (255, 255, 255), (32, 34, 38), (120, 124, 132)
GAP = 8
LINES = 4
MARKED = re.compile(r".[^-_/\\.,;:…]*[-_/\\.,;:…]*")
"""A part of a word up to the marks after which a line may end: `dpmpp_` and `2m_` and `sde`."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What stands above the columns and left of the rows; as many of each as the sheet has."""

    columns: tuple[str, ...]
    rows: tuple[str, ...] = ("",)


def sheet(images: Sequence[Tensor], labels: Labels) -> Image:
    """One picture of many, row by row. A batch in a cell lies side by side.

    images: [batch, height, width, channel] each, 0 to 1; cells are as large as the largest, others are
    centred.
    Raises DiffusionError if their number is not that of the cells.
    """
    cells = [_cell(image) for image in images]
    wanted = len(labels.columns) * len(labels.rows)
    if len(cells) != wanted:
        raise DiffusionError(
            f"The sheet has {len(labels.columns)} x {len(labels.rows)} cells, "
            f"but {len(cells)} pictures arrived.",
            hint="Connect the sweep and the pictures that were made with its values.",
        )
    width, height = max(cell.width for cell in cells), max(cell.height for cell in cells)
    font = font_for(min(width, height))
    above = [wrapped(legible(text), font, width) for text in labels.columns]
    aside = max(width, 8 * font.size)
    beside = [wrapped(legible(text), font, aside, lines_in(height, font)) for text in labels.rows]
    left, top = extent(beside, font)[0] + 2 * GAP, extent(above, font)[1] + 2 * GAP
    page = PIL.Image.new(
        "RGB", (left + len(above) * (width + GAP), top + len(beside) * (height + GAP)), PAPER
    )
    pen = ImageDraw.Draw(page)
    for column, text in enumerate(above):
        x = left + column * (width + GAP) + width // 2
        pen.text((x, top - GAP), text, INK, font, anchor="md", align="center")
    for row, text in enumerate(beside):
        y = top + row * (height + GAP) + height // 2
        pen.text((left - GAP, y), text, INK, font, anchor="rm", align="right")
    for index, cell in enumerate(cells):
        row, column = divmod(index, len(above))
        x, y = left + column * (width + GAP), top + row * (height + GAP)
        page.paste(cell, (x + (width - cell.width) // 2, y + (height - cell.height) // 2))
    return as_image(page)


def font_for(width: int) -> ImageFont.FreeTypeFont:
    """A font whose size suits pictures of that width."""
    font = ImageFont.load_default(min(48, max(12, width // 8)))
    assert isinstance(font, ImageFont.FreeTypeFont)  # every wheel of Pillow has FreeType
    return font


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float, most: int = LINES) -> str:
    """The text on lines of that width. Of a longer one the middle is left out: texts that are compared
    mostly differ at their ends.
    """

    def without_middle(kept: int) -> str:
        return f"{text[: kept - kept // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"

    def is_too_much(kept: int) -> bool:
        return len(_lines(without_middle(kept), font, width)) > most

    if len(lines := _lines(text, font, width)) > most:
        kept = bisect_left(range(len(text)), True, key=is_too_much) - 1
        lines = _lines(without_middle(kept), font, width)
    return "\n".join(lines)


def legible(text: str) -> str:
    """The text with plain letters for those with accents, which the font lacks."""
    letters = ((each, normalize("NFD", each)[0]) for each in normalize("NFC", text))
    return "".join(base if base.isascii() and base.isalpha() else each for each, base in letters)


def lines_in(height: int, font: ImageFont.FreeTypeFont) -> int:
    """How many lines of a label are no higher than that, at least one."""
    return max(1, min(LINES, 1 + int((height - font.size) / pitch(font))))


def extent(texts: Sequence[str], font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """The width and the height that hold each of the texts, whose lines are broken already."""
    lines = max(text.count("\n") for text in texts)
    width = max(font.getlength(line) for text in texts for line in text.split("\n"))
    return ceil(width), round(font.size) + lines * pitch(font)


def pitch(font: ImageFont.FreeTypeFont) -> int:
    """From one line of a label to the next."""
    pen = ImageDraw.Draw(PIL.Image.new("RGB", (1, 1)))
    one, two = (pen.textbbox((0, 0), text, font, anchor="la")[3] for text in ("A", "A\nA"))
    return ceil(two - one)


def as_image(page: PIL.Image.Image) -> Image:
    """A drawn page as a batch of one."""
    return Image(from_pixels(np.asarray(page))[None])


def _cell(image: Tensor) -> PIL.Image.Image:
    row = torch.cat(tuple(image), dim=1)
    pixels = to_pixels(row)
    return PIL.Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")


def _lines(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Broken at spaces; words too wide for a line after their marks, and those too wide still, anywhere."""

    def filled(parts: Iterable[str], glue: str, *smaller: Callable[[str], Iterable[str]]) -> list[str]:
        lines: list[str] = []
        for part in parts:
            if lines and font.getlength(joined := lines[-1] + glue + part) <= width:
                lines[-1] = joined
            elif smaller and font.getlength(part) > width:
                lines.extend(filled(smaller[0](part), "", *smaller[1:]))
            else:
                lines.append(part)
        return lines

    return filled(text.split(), " ", MARKED.findall, iter)
