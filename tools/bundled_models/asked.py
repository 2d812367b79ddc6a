"""The prompts that scores ask: combinations that no caption has, by `held_out`; nothing is picked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from tools.bundled_models.colours import BACKGROUNDS, HUES
from tools.bundled_models.compose import COUNTS, held_out, plural, uncoloured, with_article
from tools.bundled_models.scenes import SCENES

COLOURABLE = (
    "car", "red heart", "mushroom", "balloon", "star", "frog", "red apple", "strawberry", "rocket", "fish",
    "turtle",
    "umbrella", "gem stone", "tulip", "butterfly", "whale", "dinosaur", "teapot", "shirt", "backpack",
    "crab", "truck",
)  # fmt: skip
"""Objects of mainly one colour, which a prompt can change."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt and what its picture has to show."""

    prompt: str
    nouns: tuple[str, ...]
    background: str = ""
    colour: str = ""
    count: int = 1


def objects(nouns: Sequence[str], most: int) -> list[Asked]:
    """Single objects on backgrounds and in scenes they were never seen with, taking turns."""
    found = [
        Asked(f"{with_article(noun)} {where}", (noun,), background)
        for background, where in places()
        for noun in nouns
        if held_out(background, noun)
    ]
    return spread(sorted(found, key=lambda asked: (asked.nouns, asked.prompt)), most)


def places() -> Iterator[tuple[str, str]]:
    """Every background, and how to say it."""
    for colour in BACKGROUNDS:
        yield colour, f"on {with_article(colour)} background"
    for scene, phrases in SCENES.items():
        yield scene, phrases[0]


def colours(nouns: Sequence[str], most: int) -> list[Asked]:
    """Objects in colours they never had, before white."""
    found = [
        Asked(
            f"{with_article(f'{colour} {uncoloured(noun)}')} on a white background", (noun,), "white", colour
        )
        for noun in COLOURABLE
        for colour in HUES
        if noun in nouns and held_out(colour, noun)
    ]
    return spread(found, most)


def counts(nouns: Sequence[str], most: int) -> list[Asked]:
    """Two, three or four of what was never seen in that number."""
    found = [
        Asked(f"{word} {plural(noun)} on a light blue background", (noun,), "light blue", count=number)
        for number, word in enumerate(COUNTS, 2)
        for noun in nouns
        if held_out(word, noun)
    ]
    return spread(found, most)


def pairs(nouns: Sequence[str], most: int) -> list[Asked]:
    """Two objects that were never seen together."""
    found = [
        Asked(
            f"{with_article(one)} and {with_article(other)} on a white background",
            (one, other),
            "white",
            count=2,
        )
        for one, other in combinations(sorted(nouns), 2)
        if held_out(one, other)
    ]
    return spread(found, most)


def spread(found: Sequence[Asked], most: int) -> list[Asked]:
    """At most so many, at equal distances."""
    step = max(1, -(-len(found) // most))
    return list(islice(found, 0, None, step))
