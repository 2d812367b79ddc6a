"""A line chart, drawn: for schedules of noise."""

from collections.abc import Callable, Mapping, Sequence
from math import log10

import PIL.Image
from PIL import ImageDraw

from diffusion.sheet import FAINT, INK, PAPER, as_image, font_for
from diffusion.values import Image

WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN = 640, 400, 56, 54, 24
GRID, LINE = (228, 230, 234), (38, 100, 220)
PALE = (186, 190, 198)
Points = Sequence[tuple[float, float]]


def chart(lines: Mapping[str, Points], chosen: str, x_title: str, y_title: str) -> Image:
    """Lines of (x, y) on a logarithmic y axis; the chosen one stands out, with a dot at each of its points.

    Points with y of 0 lie at the bottom. The picture is 640 x 400 pixels.
    """
    values = [y for line in lines.values() for _, y in line if y > 0]
    low, high = (min(values), max(values)) if values else (0.1, 1.0)
    last = max((x for line in lines.values() for x, _ in line), default=1.0) or 1.0
    floor, ceiling = log10(low) - 0.1, log10(high) + 0.1

    def place(x: float, y: float) -> tuple[float, float]:
        part = (log10(y) - floor) / (ceiling - floor) if y > 0 else 0.0
        return LEFT + x / last * (WIDTH - LEFT - MARGIN), HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - MARGIN)

    page = PIL.Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(page)
    _axes(pen, place, (low, high, last), (x_title, y_title))
    for name, line in lines.items():
        if name != chosen:
            pen.line([place(x, y) for x, y in line], PALE, 1)
    bold = [place(x, y) for x, y in lines[chosen]]
    pen.line(bold, LINE, 3, joint="curve")
    for x, y in bold:
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), LINE)
    pen.text((WIDTH - MARGIN, MARGIN - 4), chosen, LINE, font_for(144), anchor="ra")
    return as_image(page)


def _axes(
    pen: ImageDraw.ImageDraw,
    place: Callable[[float, float], tuple[float, float]],
    extent: tuple[float, float, float],
    titles: tuple[str, str],
) -> None:
    low, high, last = extent
    font = font_for(120)
    for tick in _ticks(low, high):
        y = place(0, tick)[1]
        pen.line([(LEFT, y), (WIDTH - MARGIN, y)], GRID)
        pen.text((LEFT - 8, y), f"{tick:g}", FAINT, font, anchor="rm")
    for step in whole_ticks(last):
        x, y = place(step, 0)
        pen.text((x, y + 8), str(step), FAINT, font, anchor="ma")
    pen.text((WIDTH / 2, HEIGHT - 4), titles[0], INK, font, anchor="md")
    pen.text((LEFT, 4), titles[1], INK, font, anchor="la")


def whole_ticks(last: float) -> range:
    """At most ten whole numbers from 0 to the last, 1, 2 or 5 times a power of ten apart."""
    apart = next(base * 10**power for power in range(9) for base in (1, 2, 5) if last < base * 10**power * 10)
    return range(0, int(last) + 1, apart)


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten in between."""
    every = [base * 10.0**power for power in range(-6, 7) for base in (1, 2, 5)]
    return [tick for tick in every if low * 0.8 <= tick <= high * 1.25]
