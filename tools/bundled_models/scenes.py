"""Backgrounds: a plain colour, a gradient, or one of ten scenes painted by rule."""

import random
from collections.abc import Callable

import numpy as np
from PIL import Image

from tools.bundled_models.colours import Floats

SCENES = {
    "grass": ("on the grass", "in a green field", "in a meadow under a blue sky"),
    "beach": ("on the beach", "on the sand by the sea"),
    "snow": ("in the snow", "on a snowy field"),
    "night": ("in the night sky", "at night under the stars"),
    "sunset": ("at sunset", "in front of a sunset"),
    "water": ("under water", "in the sea"),
    "desert": ("in the desert", "on a sand dune"),
    "table": ("on a wooden table", "on a table"),
    "sky": ("in the sky", "in a blue sky with clouds"),
    "space": ("in space", "in outer space with stars"),
}
"""How prompts say each scene."""
Colour = tuple[float, float, float]
WALLS: tuple[Colour, ...] = ((226, 222, 212), (200, 212, 222), (214, 224, 206))


class Painter:
    """Paints backgrounds [side, side, 3], sRGB 0..255. The horizon and small details differ each time."""

    def __init__(self, side: int, rng: random.Random) -> None:
        self.side = side
        self.rng = rng
        self.y, self.x = np.mgrid[0:side, 0:side].astype(np.float32) / side

    def paint(self, scene: str) -> Floats:
        """One of the scenes."""
        horizon = self.rng.uniform(0.55, 0.72)
        paint: Callable[[float], Floats] = getattr(self, f"_{scene}")
        return paint(horizon)

    def gradient(self, top: Colour, bottom: Colour, start: float = 0.0, end: float = 1.0) -> Floats:
        """One colour above `start`, the other below `end` (parts of the height), a blend between."""
        part = ((np.linspace(0, 1, self.side) - start) / max(end - start, 1e-3)).clip(0, 1)[:, None, None]
        row = np.array(top, np.float32) * (1 - part) + np.array(bottom, np.float32) * part
        return np.repeat(row.astype(np.float32), self.side, 1)

    def _noise(self, cells: int) -> Floats:
        values = np.array([[self.rng.random() for _ in range(cells)] for _ in range(cells)], np.float32)
        return np.asarray(Image.fromarray(values).resize((self.side, self.side), Image.Resampling.BICUBIC))

    def _above(self, horizon: float, sky: Floats, ground: Floats) -> Floats:
        wave = horizon + 0.02 * np.sin(self.x * self.rng.uniform(3, 9) + self.rng.uniform(0, 6))
        return np.where((self.y > wave)[..., None], ground, sky)

    def _day(self) -> Floats:
        return self.gradient((88, 160, 240), (190, 225, 250))

    def _grass(self, horizon: float) -> Floats:
        return self._above(horizon, self._day(), self.gradient((120, 190, 70), (50, 130, 40), horizon))

    def _beach(self, horizon: float) -> Floats:
        sea = self.gradient((40, 140, 200), (90, 190, 215), horizon - 0.18, horizon)
        sky = np.where((self.y > horizon - 0.17)[..., None], sea, self._day())
        return self._above(horizon, sky, self.gradient((246, 222, 160), (222, 186, 120), horizon))

    def _snow(self, horizon: float) -> Floats:
        sky = self.gradient((150, 180, 215), (215, 228, 240))
        return self._above(horizon, sky, self.gradient((250, 252, 255), (220, 230, 244), horizon))

    def _desert(self, horizon: float) -> Floats:
        sky = self.gradient((120, 180, 225), (250, 225, 180))
        return self._above(horizon, sky, self.gradient((235, 180, 100), (190, 120, 60), horizon))

    def _sunset(self, horizon: float) -> Floats:
        sky = self.gradient((90, 40, 120), (255, 150, 60), 0, horizon)
        distance = np.hypot(self.x - self.rng.uniform(0.3, 0.7), self.y - horizon)
        sky = sky + np.exp(-((distance / 0.16) ** 2))[..., None] * np.array([70, 90, 60], np.float32)
        return self._above(horizon, sky, self.gradient((110, 50, 60), (40, 20, 40), horizon))

    def _night(self, _horizon: float) -> Floats:
        return self._starry(self.gradient((10, 14, 46), (40, 44, 100)))

    def _space(self, _horizon: float) -> Floats:
        return self._starry(self.gradient((6, 4, 16), (24, 8, 40)))

    def _starry(self, sky: Floats) -> Floats:
        for _ in range(self.rng.randint(14, 30)):
            y, x = self.rng.randrange(self.side - 1), self.rng.randrange(self.side - 1)
            size = self.rng.choice((1, 1, 2)) * max(1, self.side // 128)
            sky[y : y + size, x : x + size] = self.rng.uniform(150, 255)
        return sky

    def _water(self, _horizon: float) -> Floats:
        deep = self.gradient((60, 170, 215), (10, 50, 120))
        for _ in range(self.rng.randint(4, 9)):
            distance = np.hypot(self.x - self.rng.random(), self.y - self.rng.random())
            ring = (distance - self.rng.uniform(0.015, 0.04)) / 0.008
            deep += (np.exp(-(ring**2)) * 90)[..., None]
        return deep

    def _table(self, horizon: float) -> Floats:
        wood = self.gradient((176, 116, 64), (134, 82, 42), horizon) + (self._noise(3)[..., None] - 0.5) * 24
        wall = np.array(self.rng.choice(WALLS), np.float32)
        return np.where((self.y > horizon)[..., None], wood, wall).astype(np.float32)

    def _sky(self, _horizon: float) -> Floats:
        cover = self._noise(5) * 0.6 + self._noise(9) * 0.4
        clouds = ((cover - 0.52) * 4).clip(0, 1)[..., None]
        return self._day() * (1 - clouds) + 250 * clouds
