"""Drawings with transparent surroundings, one for each object and style, all of one size."""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 112
STYLES = ("3d", "flat")
"""What the base draws; the first is meant where a prompt names none."""
STICKER = "sticker"
"""The style of the LoRA, never seen by the base."""
RENDERS = "lobehub-fluent-emoji-3d/package/assets"
VECTORS = {"flat": "iconify-json-fluent-emoji-flat/package", STICKER: "iconify-json-twemoji/package"}

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sprite:
    """One drawing: straight-alpha RGBA [SIDE, SIDE, 4], cropped so that its longer side fills the square."""

    noun: str
    style: str
    rgba: Pixels


@lru_cache
def objects() -> dict[str, str]:
    """The nouns of prompts by the CLDR names of their drawings, as objects.txt lists them."""
    lines = (Path(__file__).parent / "objects.txt").read_text().splitlines()
    pairs = (line.split(" = ") for line in lines if not line.startswith("#"))
    return {pair[0]: pair[-1] for pair in pairs}


def sprites(
    packages: Path, style: str, nouns: Mapping[str, str] | None = None, side: int = SIDE
) -> list[Sprite]:
    """Every object's drawing in one style, in the order of objects.txt; an object without one is left out.

    `nouns` by the names of their drawings, if others are wanted than those of objects.txt.
    """
    codes = code_points(packages, nouns or objects())
    drawn = dict(
        renders(packages) if style == "3d" else vectors(packages, VECTORS[style], set(codes.values()), side)
    )
    found = {noun: drawn[code] for noun, code in codes.items() if code in drawn}
    return [Sprite(noun, style, fitted(picture, side)) for noun, picture in found.items()]


def code_points(packages: Path, nouns: Mapping[str, str]) -> dict[str, str]:
    """The code points of each noun, as the packages name their files."""
    data = json.loads((packages / "emojibase-data/package/en/data.json").read_text())
    codes = {entry["label"].lower(): plain(entry["hexcode"]) for entry in data}
    return {noun: codes[label] for label, noun in nouns.items()}


def plain(code: str) -> str:
    """Code points without the selector that asks for a colourful drawing."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def renders(packages: Path) -> Iterator[tuple[str, Image.Image]]:
    """The three-dimensional drawings by code points; opened, not yet read."""
    return ((plain(file.stem), Image.open(file)) for file in sorted((packages / RENDERS).glob("*.webp")))


def vectors(packages: Path, folder: str, wanted: set[str], side: int) -> Iterator[tuple[str, Image.Image]]:
    """The vector drawings of one package with the wanted code points, rendered at twice a size."""
    if str(packages / "resvg-py") not in sys.path:
        sys.path.append(str(packages / "resvg-py"))
    import resvg_py

    icons = json.loads((packages / folder / "icons.json").read_text())
    for code, name in json.loads((packages / folder / "chars.json").read_text()).items():
        if plain(code) not in wanted or name not in icons["icons"]:
            continue
        icon = icons["icons"][name]
        width, height = (icon.get(key, icons.get(key, 16)) for key in ("width", "height"))
        box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{box}" width="{2 * side}" height="{2 * side}">{icon["body"]}</svg>'
        )
        png = bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))
        yield plain(code), Image.open(io.BytesIO(png))


def fitted(picture: Image.Image, side: int) -> Pixels:
    """Crop to what is drawn and resize its longer side; premultiplied, so that edges keep their colour."""
    picture = picture.convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox())
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    premultiplied = np.asarray(picture.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS))
    small = Image.frombytes("RGBa", (width, height), premultiplied.tobytes()).convert("RGBA")
    square = Image.new("RGBA", (side, side))
    square.paste(small, ((side - width) // 2, (side - height) // 2))
    return np.asarray(square)
