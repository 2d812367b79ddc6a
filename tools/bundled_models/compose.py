"""Captioned pictures without end: drawings on backgrounds, in a place, size, colour, number, or in pairs.

Some combinations never occur, so that scores can ask for what no caption ever said: see `held_out`.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from PIL import Image

from tools.bundled_models.colours import BACKGROUNDS, HUES, WORDS, Floats, main_hue, needed_turn, turned
from tools.bundled_models.scenes import SCENES, Painter
from tools.bundled_models.sprites import Pixels, Sprite

SIDE = 128
STYLE_PHRASES = {
    "3d": ("3d render of {}", "{}, 3d style"),
    "flat": ("flat icon of {}", "{}, flat style"),
    "sticker": ("sticker of {}", "{}, sticker style"),
}
COUNTS: Mapping[str, tuple[float, Sequence[tuple[float, float]]]] = {
    "two": (0.43, ((0.27, 0.52), (0.73, 0.52))),
    "three": (0.31, ((0.19, 0.52), (0.5, 0.52), (0.81, 0.52))),
    "four": (0.40, ((0.27, 0.28), (0.73, 0.28), (0.27, 0.73), (0.73, 0.73))),
}
"""The size of each, and the centres, as parts of the picture."""
SIDES = {
    "on the left": (0.27, 0.52),
    "on the right": (0.73, 0.52),
    "at the top": (0.5, 0.28),
    "at the bottom": (0.5, 0.72),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """One object as a prompt can ask for it."""

    noun: str
    colour: str | None = None

    def __str__(self) -> str:
        return f"{self.colour} {uncoloured(self.noun)}" if self.colour else self.noun


@dataclass(frozen=True, slots=True)
class Scene:
    """What a composed picture shows.

    `background` is a colour, a scene, two colours, or "" for white unsaid.
    """

    caption: str
    things: tuple[Thing, ...]
    style: str
    background: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """A composed picture: image uint8 [side, side, 3]; mask uint8 [side, side], 255 where an object is."""

    image: Pixels
    mask: Pixels
    scene: Scene


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each kind of picture is composed. What is left over is a single object."""

    pairs: float = 0.14
    counts: float = 0.16
    coloured: float = 0.25
    styles: Mapping[str, float] = field(default_factory=lambda: {"3d": 0.74, "flat": 0.26})
    plain: float = 0.56
    """How often the background is one colour."""
    backgrounds: Mapping[str, tuple[int, int, int]] = field(default_factory=lambda: BACKGROUNDS)
    weights: Mapping[str, float] = field(default_factory=dict)
    """How often a noun is drawn, compared with others; 1 if not given."""
    anywhere: bool = False
    """Single objects of any size at any place, of which captions say nothing: who looks has to see it."""


class Composer:
    """Composes pictures from a set of drawings. The same seed composes the same pictures."""

    def __init__(
        self, sprites: Sequence[Sprite], seed: int, mix: Mix | None = None, side: int = SIDE
    ) -> None:
        self.rng = random.Random(seed)
        self.mix = mix or Mix()
        self.side = side
        self.painter = Painter(side, self.rng)
        self.drawings = {(sprite.noun, sprite.style): sprite.rgba for sprite in sprites}
        self.nouns = sorted({sprite.noun for sprite in sprites})
        self.weights = [self.mix.weights.get(noun, 1.0) for noun in self.nouns]
        self.hues = {key: sprite_hue(rgba) for key, rgba in self.drawings.items()}
        self.styles = sorted({sprite.style for sprite in sprites})

    def picture(self) -> Picture:
        """One more picture."""
        style = self._style()
        kind = self.rng.random()
        if kind < self.mix.pairs:
            return self._pair(style)
        if kind < self.mix.pairs + self.mix.counts:
            return self._several(style)
        return self._single(style)

    def _style(self) -> str:
        shares = [self.mix.styles.get(style, 0.0) for style in self.styles]
        return self.rng.choices(self.styles, shares if any(shares) else None)[0]

    def _thing(self, style: str, counted: str = "") -> Thing:
        """An object, perhaps in a colour of its own, that may occur in this number."""
        while True:
            noun = self.rng.choices(self.nouns, self.weights)[0]
            colour = None
            if self.hues[noun, style] is not None and self.rng.random() < self.mix.coloured:
                colour = self.rng.choice(list(HUES))
                if held_out(colour, noun):
                    continue
            if not (counted and held_out(counted, noun)):
                return Thing(noun, colour)

    def _single(self, style: str) -> Picture:
        thing = self._thing(style)
        rng, kind = self.rng, self.rng.random()
        if self.mix.anywhere:
            size = rng.uniform(0.34, 0.86)
            places, text = [(rng.uniform(size / 2, 1 - size / 2), rng.uniform(size / 2, 1 - size / 2))], "{}"
        elif kind < 0.66:
            places, size, text = (
                [(rng.uniform(0.46, 0.54), rng.uniform(0.47, 0.55))],
                rng.uniform(0.66, 0.84),
                "{}",
            )
        elif kind < 0.76:
            places, size = [(rng.uniform(0.38, 0.62), rng.uniform(0.4, 0.62))], rng.uniform(0.32, 0.42)
            text = rng.choice(("small {}", "tiny {}"))
        elif kind < 0.86:
            places, size = [(rng.uniform(0.47, 0.53), rng.uniform(0.47, 0.53))], rng.uniform(0.92, 1.05)
            text = rng.choice(("big {}", "large {}"))
        else:
            where = rng.choice(list(SIDES))
            places, size, text = [SIDES[where]], rng.uniform(0.4, 0.5), f"{{}} {where}"
        words = text.format(thing)
        return self._composed(style, with_article(words), (thing,), places, size)

    def _several(self, style: str) -> Picture:
        number = self.rng.choice(list(COUNTS))
        size, places = COUNTS[number]
        thing = self._thing(style, number)
        return self._composed(style, f"{number} {plural(str(thing))}", (thing,), places, size)

    def _pair(self, style: str) -> Picture:
        one = self._thing(style)
        other = self._thing(style)
        while other.noun == one.noun or held_out(*sorted((one.noun, other.noun))):
            other = self._thing(style)
        first, second = with_article(str(one)), with_article(str(other))
        form = self.rng.choice(("{} and {}", "{} next to {}", "{} on the left and {} on the right"))
        places, y = COUNTS["two"][1], self.rng.uniform(0.48, 0.56)
        places = [(x, y) for x, _ in places]
        return self._composed(style, form.format(first, second), (one, other), places, 0.45)

    def _composed(
        self,
        style: str,
        words: str,
        things: tuple[Thing, ...],
        places: Sequence[tuple[float, float]],
        size: float,
    ) -> Picture:
        """Paint the background, draw each thing at its places, and say all of it."""
        background, where = self._background(things)
        canvas = self._painted(background)
        mask = np.zeros((self.side, self.side), np.uint8)
        for index, place in enumerate(places):
            self._draw(canvas, mask, things[index % len(things)], style, place, size)
        if style != "3d" or self.rng.random() < 0.25:
            words = self.rng.choice(STYLE_PHRASES[style]).format(words)
        comma = "" if not where else " " if where.startswith(("on ", "in ", "at ", "under ")) else ", "
        scene = Scene(
            words + comma + where, things, style, background, len(places) if len(things) == 1 else 1
        )
        return Picture(canvas.clip(0, 255).astype(np.uint8), mask, scene)

    def _background(self, things: Sequence[Thing]) -> tuple[str, str]:
        """What is behind the things, and how to say it; never what is held out for one of them."""
        rng = self.rng
        while True:
            kind = rng.random()
            if kind < self.mix.plain:
                name = rng.choice(list(self.mix.backgrounds))
                where = rng.choice((f"on {with_article(name)} background", f"{name} background"))
            elif kind < 0.62:
                top, bottom = rng.sample(list(BACKGROUNDS), 2)
                return f"{top} to {bottom}", f"on {with_article(top)} to {bottom} gradient background"
            elif kind < 0.94:
                name = rng.choice(list(SCENES))
                where = rng.choice(SCENES[name])
            else:
                return "", ""
            may_be_held_out = name in BACKGROUNDS or name in SCENES
            if not (may_be_held_out and any(held_out(name, thing.noun) for thing in things)):
                return name, where

    def _painted(self, background: str) -> Floats:
        if background in SCENES:
            return np.ascontiguousarray(self.painter.paint(background), np.float32)
        if " to " in background:
            top, bottom = background.split(" to ")
            return self.painter.gradient(BACKGROUNDS[top], BACKGROUNDS[bottom])
        jitter = [self.rng.gauss(0, 3) for _ in range(3)]
        named = self.mix.backgrounds.get(background, BACKGROUNDS["white"])
        colour = np.array(named, np.float32) + np.array(jitter, np.float32)
        return np.tile(colour, (self.side, self.side, 1))

    def _draw(
        self, canvas: Floats, mask: Pixels, thing: Thing, style: str, place: tuple[float, float], size: float
    ) -> None:
        """Blend a thing into the canvas around a place, cut at the border."""
        side = int(self.side * size)
        small = Image.fromarray(self.drawings[thing.noun, style]).resize(
            (side, side), Image.Resampling.BILINEAR
        )
        pixels = np.asarray(small, np.float32) / 255
        rgb, alpha = pixels[..., :3], pixels[..., 3:]
        hue = self.hues[thing.noun, style]
        if thing.colour and hue is not None:
            rgb = turned(rgb, needed_turn(hue, HUES[thing.colour]))
        left, top = (round(at * self.side - side / 2 + self.rng.uniform(-1.5, 1.5)) for at in place)
        x, y = max(0, left), max(0, top)
        right, bottom = min(self.side, left + side), min(self.side, top + side)
        inside = np.s_[y - top : bottom - top, x - left : right - left]
        there = np.s_[y:bottom, x:right]
        canvas[there] += alpha[inside] * (rgb[inside] * 255 - canvas[there])
        mask[there] = np.maximum(mask[there], (alpha[inside][..., 0] * 255).astype(np.uint8))


def held_out(*words: str) -> bool:
    """Whether no caption ever combines these words: one in twelve combinations, told by a hash."""
    return crc32("|".join(words).encode()) % 12 == 0


def sprite_hue(rgba: Pixels) -> float | None:
    """The hue in degrees that most of a drawing has, or None if it has no main colour."""
    return main_hue(rgba[rgba[..., 3] > 128][:, :3].astype(np.float32) / 255)


def uncoloured(noun: str) -> str:
    """A noun without the colour it names: "red apple" is an apple."""
    return " ".join(word for word in noun.split() if word not in WORDS) or noun


def is_plural(noun: str) -> bool:
    """Whether a noun means several already, such as glasses."""
    return noun.endswith("s") and not noun.endswith(("ss", "us"))


def with_article(words: str) -> str:
    """The words with "a" or "an" before them, unless they are a plural."""
    noun = words.split(" on the ")[0].split(" at the ")[0]
    if is_plural(noun):
        return words
    sounds_open = words[0] in "aeiou" and not words.startswith(("ufo", "uni"))
    return f"{'an' if sounds_open else 'a'} {words}"


def plural(noun: str) -> str:
    """Several of it."""
    if is_plural(noun):
        return noun
    head, of, tail = noun.partition(" of ")
    if head.endswith("y") and head[-2] not in "aeiou":
        head = f"{head[:-1]}ies"
    else:
        head += "es" if head.endswith(("s", "x", "sh", "ch")) else "s"
    return head + of + tail
