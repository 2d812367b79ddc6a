"""The colours that prompts can name, and turning a drawing from one colour to another."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BACKGROUNDS = {
    "red": (214, 40, 40),
    "orange": (245, 133, 24),
    "yellow": (250, 208, 44),
    "green": (56, 158, 66),
    "teal": (22, 150, 145),
    "blue": (38, 100, 220),
    "navy": (22, 36, 92),
    "purple": (130, 62, 190),
    "pink": (246, 140, 185),
    "brown": (122, 78, 44),
    "black": (18, 18, 20),
    "gray": (136, 138, 142),
    "white": (250, 250, 250),
    "light blue": (150, 205, 245),
    "light green": (170, 225, 150),
    "beige": (236, 220, 190),
}
"""sRGB, 0..255."""
HUES = {
    "red": 0,
    "orange": 28,
    "yellow": 52,
    "green": 120,
    "cyan": 182,
    "blue": 218,
    "purple": 276,
    "pink": 328,
}
"""Degrees."""
WORDS = frozenset(word for name in (*BACKGROUNDS, *HUES) for word in name.split())


def hue_and_strength(rgb: Floats) -> tuple[Floats, Floats]:
    """Hue in degrees and saturation 0..1 of sRGB [..., 3] in 0..1."""
    highest, lowest = rgb.max(-1), rgb.min(-1)
    span = np.maximum(highest - lowest, 1e-6)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    sixths = np.where(
        highest == r, ((g - b) / span) % 6, np.where(highest == g, (b - r) / span + 2, (r - g) / span + 4)
    )
    return sixths * 60, span / np.maximum(highest, 1e-6)


def main_hue(rgb: Floats, least: float = 0.35, agreement: float = 0.75) -> float | None:
    """The hue in degrees that most pixels [count, 3] in 0..1 share; None if they are grey or disagree."""
    hue, strength = hue_and_strength(rgb)
    weight = strength * (rgb.max(-1) > 0.25)
    if not len(weight) or weight.mean() < least:
        return None
    direction = (weight * np.exp(1j * np.deg2rad(hue))).sum() / weight.sum()
    return float(np.rad2deg(np.angle(direction)) % 360) if abs(direction) > agreement else None


def turned(rgb: Floats, degrees: float) -> Floats:
    """Colours [..., 3] in 0..1 with their hue rotated and their luma kept (Rec. 709 weights)."""
    angle = np.deg2rad(degrees)
    c, s = np.cos(angle), np.sin(angle)
    luma = np.array([0.213, 0.715, 0.072])
    keep = np.tile(luma, (3, 1))
    spin = np.array([[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]])
    matrix = keep + c * (np.eye(3) - keep) + s * spin
    return (rgb @ matrix.T.astype(np.float32)).clip(0, 1)


@cache
def needed_turn(now: float, wanted: float) -> float:
    """How many degrees `turned` has to turn a colour of one hue so that it has another.

    Not their difference: turning keeps the luma, and equal steps of hue are not equal turns.
    """
    red, green, blue = (abs((now / 60 + shift) % 6 - 3) - 1 for shift in (0, 4, 2))
    colour = np.clip(np.array([[red, green, blue]], np.float32), 0, 1) * 0.4 + 0.3
    degrees = range(0, 360, 2)
    hues = hue_and_strength(np.concatenate([turned(colour, turn) for turn in degrees]))[0]
    return float(degrees[int(np.abs((hues - wanted + 180) % 360 - 180).argmin())])
