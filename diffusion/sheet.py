"""Pictures laid out in rows and columns on a sheet of paper, with labels."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    font = font_for(width)
    left = max((round(font.getlength(text)) for text in labels.rows), default=0) + 2 * GAP
    top = round(font.size) + 2 * GAP
    page = PIL.Image.new(
        "RGB",
        (left + len(labels.columns) * (width + GAP), top + len(labels.rows) * (height + GAP)),
        PAPER,
    )
    pen = ImageDraw.Draw(page)
    for column, text in enumerate(labels.columns):
        x = left + column * (width + GAP) + width // 2
        pen.text((x, top // 2), shortened(text, font, width), INK, font, anchor="mm")
    for row, text in enumerate(labels.rows):
        pen.text((left - GAP, top + row * (height + GAP) + height // 2), text, INK, font, anchor="rm")
    for index, cell in enumerate(cells):
        row, column = divmod(index, len(labels.columns))
        x, y = left + column * (width + GAP), top + row * (height + GAP)
        page.paste(cell, (x + (width - cell.width) // 2, y + (height - cell.height) // 2))
    return as_image(page)


def font_for(width: int) -> ImageFont.FreeTypeFont:
    """A font whose size suits pictures of that width."""
    font = ImageFont.load_default(min(48, max(12, width // 8)))
    assert isinstance(font, ImageFont.FreeTypeFont)  # every wheel of Pillow has FreeType
    return font


def shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, cut with an ellipsis where it is wider than that."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def as_image(page: PIL.Image.Image) -> Image:
    """A drawn page as a batch of one."""
    return Image(from_pixels(np.asarray(page))[None])


def _cell(image: Tensor) -> PIL.Image.Image:
    row = torch.cat(tuple(image), dim=1)
    pixels = to_pixels(row)
    return PIL.Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
